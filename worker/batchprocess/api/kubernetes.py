"""Fields of Kubernetes 1.35 objects that a job hands on without reading them.

A test compares them with what a real API server publishes.
"""

POD = """
    activeDeadlineSeconds affinity automountServiceAccountToken dnsConfig dnsPolicy
    enableServiceLinks hostAliases hostIPC hostNetwork hostPID hostUsers hostname hostnameOverride
    imagePullSecrets nodeName nodeSelector os overhead preemptionPolicy priority priorityClassName
    readinessGates resourceClaims resources runtimeClassName schedulerName schedulingGates
    securityContext serviceAccount serviceAccountName setHostnameAsFQDN shareProcessNamespace
    subdomain tolerations topologySpreadConstraints workloadRef
"""
CONTAINER = """
    envFrom imagePullPolicy lifecycle livenessProbe ports readinessProbe resizePolicy
    restartPolicyRules securityContext startupProbe stdin stdinOnce tty volumeDevices
"""
VOLUME = """
    awsElasticBlockStore azureDisk azureFile cephfs cinder configMap csi downwardAPI emptyDir
    ephemeral fc flexVolume flocker gcePersistentDisk gitRepo glusterfs hostPath image iscsi nfs
    persistentVolumeClaim photonPersistentDisk portworxVolume projected quobyte rbd scaleIO secret
    storageos vsphereVolume
"""
VOLUME_MOUNT = "mountPropagation readOnly recursiveReadOnly subPath subPathExpr"
ENV_SOURCE = "configMapKeyRef fieldRef fileKeyRef resourceFieldRef"
RESOURCES = "claims"
TERMINATION = "terminationMessagePath terminationMessagePolicy"


def names(*lists: str) -> frozenset[str]:
    """The words of all lists."""
    return frozenset(word for words in lists for word in words.split())
