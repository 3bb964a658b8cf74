"""The GPUs of this machine, shared among its workers."""

from batchprocess.agent.local.gpus import share, visible_gpus


def test_gpus_come_from_the_environment_or_the_devices(tmp_path):
    for name in ("nvidia0", "nvidia1", "nvidia10", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    assert visible_gpus({}, tmp_path) == ["0", "1", "10"]
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "3,5"}, tmp_path) == ["3", "5"]
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": ""}, tmp_path) == []
    assert share(["3", "5", "7", "9"], slot=1, each=2) == "7,9"
