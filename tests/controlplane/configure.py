"""
The configuration of the control plane's services, written from `templates` with the settings of common.sh.

A template is a configuration file as it is, with `$NAME` for what depends on
where the control plane lies; how a service logs in and where its database is
would be said a dozen times, and is made here.
"""

from __future__ import annotations

import os
from pathlib import Path
from string import Template

import yaml

TEMPLATES = Path(__file__).parent / "templates"
DATABASES = ("keystone", "placement", "glance", "nova_api", "nova", "neutron", "heat", "tacker", "cinder")
SERVICES = ("placement", "glance", "nova", "neutron", "heat", "tacker", "cinder")
# The clouds of clouds.yaml: who logs in, and to which project.
CLOUDS = {
    "lab-admin": ("admin", "admin"),
    "lab-alpha": ("alice", "tenant-alpha"),
    "lab-beta": ("bob", "tenant-beta"),
    "lab-gamma": ("carol", "tenant-gamma"),
    "lab-auditor": ("auditor", "tenant-alpha"),
}


def values(environment: dict[str, str]) -> dict[str, str]:
    """What the templates' names stand for."""
    address, password = environment["ADDRESS"], environment["PASSWORD"]
    identity = f"http://{address}:{environment['KEYSTONE_PORT']}"
    broker = f"rabbit://openstack:{password}@{address}:{environment['AMQP_PORT']}/"
    server = f"mysql+pymysql://openstack:{password}@{address}:{environment['SQL_PORT']}"
    made = {f"{name.upper()}_DATABASE": f"{server}/{name}?charset=utf8" for name in DATABASES}
    for user in SERVICES:
        login = {
            "auth_url": identity,
            "auth_type": "password",
            "project_domain_id": "default",
            "user_domain_id": "default",
            "project_name": "service",
            "username": user,
            "password": password,
            "region_name": "RegionOne",
        }
        lines = "\n".join(f"{key} = {value}" for key, value in login.items())
        made[f"{user.upper()}_LOGIN"] = lines
        made[f"{user.upper()}_TOKENS"] = f"[keystone_authtoken]\nwww_authenticate_uri = {identity}\n{lines}"
    notifications = f"[oslo_messaging_notifications]\ndriver = messagingv2\ntransport_url = {broker}"
    return {**environment, **made, "IDENTITY": identity, "BROKER": broker, "NOTIFICATIONS": notifications}


def clouds(known: dict[str, str]) -> str:
    """The clouds.yaml of whoever uses the control plane."""
    entries = {}
    for name, (user, project) in CLOUDS.items():
        auth = {
            "auth_url": f"{known['IDENTITY']}/v3",
            "username": user,
            "password": known["PASSWORD"],
            "project_name": project,
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        }
        entries[name] = {"auth": auth, "region_name": "RegionOne", "interface": "public"}
    return yaml.safe_dump({"clouds": entries}, sort_keys=False)


def write(folder: Path, name: str, text: str) -> None:
    """Write a file of the configuration."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def main() -> None:
    """Write all files."""
    # Only tacker.sh knows where Tacker is; what up.sh writes for it is written anew there.
    known = values({"VENV": "", **os.environ})
    folder = Path(known["CONFIG_FOLDER"])
    for template in sorted(TEMPLATES.rglob("*.*")):
        if template.name != "compute.conf":
            write(folder, str(template.relative_to(TEMPLATES)), Template(template.read_text()).substitute(known))
    compute = Template((TEMPLATES / "compute.conf").read_text())
    for each in known["HOSTS"].split():
        name, _, driver = each.partition(":")
        Path(known["DATA_FOLDER"], "nova", name, "lock").mkdir(parents=True, exist_ok=True)
        write(folder, f"compute-{name}.conf", compute.substitute(known, NAME=name, DRIVER=driver))
    write(folder, "clouds.yaml", clouds(known))


if __name__ == "__main__":
    main()
