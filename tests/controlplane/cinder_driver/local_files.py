"""
Cinder's volumes as files of a local folder: the NFS driver of Debian's package, without a share to mount.

A machine for tests has no kernel module for NFS, nor device-mapper for LVM. The
files are made, encrypted (LUKS in qcow2) and removed by Cinder's own code. Only
the copy of a volume is ours: the NFS driver refuses to copy one that is
attached, as many other drivers do not. Nobody writes to a volume of a fake
guest, so its file is copied as it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cinder import exception  # type: ignore[import-not-found]  # it is in Debian's Python, not in ours
from cinder.volume.drivers import nfs  # type: ignore[import-not-found]
from oslo_concurrency import processutils  # type: ignore[import-not-found]

ATTEMPTS = 20


class LocalFilesDriver(nfs.NfsDriver):  # type: ignore[misc]
    """Keeps each volume as a file below `nfs_mount_point_base`."""

    def _ensure_share_mounted(self, nfs_share: str) -> None:
        Path(self._get_mount_point_for_share(nfs_share)).mkdir(parents=True, exist_ok=True)

    def _attach_volume(self, context: Any, volume: Any, properties: Any, remote: bool = False) -> Any:
        # Cinder wants to attach a copy itself to give it a key of its own, and then does not do so for shares.
        raise exception.RekeyNotSupported

    def _create_encrypted_volume_file(self, *arguments: Any) -> None:
        # qemu-img measures how fast it is, and gives up where the kernel counts too coarsely: often on a busy machine.
        for left in reversed(range(ATTEMPTS)):
            try:
                super()._create_encrypted_volume_file(*arguments)
                return
            except processutils.ProcessExecutionError as error:
                if not left or "accurate CPU usage" not in str(error.stderr):
                    raise

    def create_cloned_volume(self, volume: Any, src_vref: Any) -> dict[str, Any]:
        """A copy of a volume, attached or not, of the same size or bigger."""
        volume.provider_location = src_vref.provider_location
        self._copy_volume_image(self.local_path(src_vref), self.local_path(volume))
        if volume.size > src_vref.size:
            self._extend_volume(volume, volume.size)
        if "format" in (src_vref.admin_metadata or {}):
            volume.admin_metadata["format"] = src_vref.admin_metadata["format"]
            with volume.obj_as_admin():
                volume.save()
        return {"provider_location": src_vref.provider_location}
