"""Jobs on a cluster, for programs: `Jobs().submit(job).wait()`.

Needs the extra `client`, whose kubernetes package is imported when a cluster is first asked for.
"""

from batchprocess.api.job import BatchProcessJob as BatchProcessJob
from batchprocess.api.status import Status as Status
from batchprocess.client.cluster_job import ClusterJob as ClusterJob
from batchprocess.client.errors import AlreadyExists as AlreadyExists
from batchprocess.client.errors import Changed as Changed
from batchprocess.client.errors import ClusterError as ClusterError
from batchprocess.client.errors import Denied as Denied
from batchprocess.client.errors import JobFailed as JobFailed
from batchprocess.client.errors import NotConfigured as NotConfigured
from batchprocess.client.errors import NotFound as NotFound
from batchprocess.client.errors import Rejected as Rejected
from batchprocess.client.errors import Unavailable as Unavailable
from batchprocess.client.errors import WaitedTooLong as WaitedTooLong
from batchprocess.client.jobs import Jobs as Jobs
from batchprocess.client.planning.run_plan import PlanFailed as PlanFailed
