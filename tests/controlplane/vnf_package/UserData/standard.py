"""How Tacker fills the template: as it does by default. Runs within Tacker."""

from tacker.sol_refactored.infra_drivers.openstack import userdata_standard  # type: ignore[import-not-found]


class StandardUserData(userdata_standard.StandardUserData):  # type: ignore[misc]
    """The default."""
