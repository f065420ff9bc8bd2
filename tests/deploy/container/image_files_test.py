#!/usr/bin/env python3
"""What is in the image: as little as may be, all of it accounted for, and the same each time."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from image import build, tag_of
from podman import SOURCE, podman, require_containers

BUILT = pathlib.Path(os.environ.get("CHATGATE_IMAGE") or SOURCE / "build/release/deploy/image")
IMAGE = tag_of(BUILT)
SIZE_MAX = 40 * 1000 * 1000
# What no package owns: made for the image.
OWN = {"etc/chatgate/chatgate.yaml", "etc/group", "etc/passwd", "usr/bin/chatgate"}


class ImageFilesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.about = json.loads(podman("image", "inspect", IMAGE).stdout)[0]
        cls.root = pathlib.Path(podman("image", "mount", IMAGE).stdout.strip())
        cls.addClassCleanup(podman, "image", "unmount", IMAGE)
        cls.files = {str(path.relative_to(cls.root)) for path in cls.root.rglob("*")
                     if not path.is_dir()}
        cls.bill = json.loads((BUILT / "chatgate.spdx.json").read_text())

    def test_it_is_small(self):
        self.assertLessEqual(self.about["Size"], SIZE_MAX)

    def test_it_has_no_shell_and_no_program_but_one(self):
        programs = {name for name in self.files if os.access(self.root / name, os.X_OK)
                    and ".so" not in name}
        self.assertEqual(programs, {"usr/bin/chatgate"})
        shell = podman("run", "--rm", "--network=none", "--entrypoint=/bin/sh", IMAGE, check=False)
        self.assertEqual(shell.returncode, 127)

    def test_nobody_gains_a_privilege_by_a_file(self):
        for name in self.files:
            mode = (self.root / name).lstat().st_mode
            self.assertEqual(mode & 0o6022, 0, name)

    def test_it_says_what_it_is_and_how_it_is_run(self):
        config = self.about["Config"]
        version, _, revision = IMAGE.rpartition(":")[2].partition("-")
        labels = {name.removeprefix("org.opencontainers.image."): text
                  for name, text in config["Labels"].items()}
        self.assertEqual((labels["title"], labels["version"], labels["revision"]),
                         ("chatgate", version, revision))
        self.assertRegex(labels["created"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual((config["User"], config["StopSignal"]), ("65532:65532", "SIGTERM"))
        self.assertEqual(set(config["ExposedPorts"]), {"1935/tcp", "9464/tcp"})
        self.assertEqual(self.about["Healthcheck"]["Test"][:3],
                         ["CMD", "/usr/bin/chatgate", "probe"])

    def test_its_configuration_is_the_default_one_but_for_what_a_container_wants(self):
        default = (SOURCE / "configs/chatgate.yaml").read_text().splitlines()[2:]
        own = (self.root / "etc/chatgate/chatgate.yaml").read_text().splitlines()
        changed = [line.split("#")[0].strip() for line in own if line not in default]
        self.assertEqual(changed, ['address: "[::]:9464"', "format: json", "output: stdout"])

    def test_every_file_is_of_a_package_that_its_bill_of_materials_lists(self):
        listed = {package["name"]: package for package in self.bill["packages"]}
        described = {path.name for path in (self.root / "var/lib/dpkg/status.d").iterdir()}
        self.assertEqual(set(listed), described | {"chatgate"})
        for name in described:
            status = (self.root / "var/lib/dpkg/status.d" / name).read_text()
            version = re.search(r"^Version: (.*)$", status, re.MULTILINE)[1]
            self.assertEqual(listed[name]["versionInfo"], version)
            self.assertIn(f"usr/share/doc/{name}/copyright", self.files)
        libraries = {name for name in self.files if name not in OWN
                     and not name.startswith(("usr/share/doc/", "var/lib/dpkg/status.d/"))}
        self.assertIn("etc/ssl/certs/ca-certificates.crt", libraries)
        self.assertEqual({name for name in libraries if ".so" not in name},
                         {"etc/ssl/certs/ca-certificates.crt"})

    def test_its_bill_of_materials_is_spdx(self):
        bill = self.bill
        self.assertEqual((bill["spdxVersion"], bill["dataLicense"], bill["SPDXID"]),
                         ("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT"))
        known = {"SPDXRef-DOCUMENT"} | {package["SPDXID"] for package in bill["packages"]}
        self.assertEqual(len(known), len(bill["packages"]) + 1, "an id is given twice")
        for identifier in known:
            self.assertRegex(identifier, r"^SPDXRef-[A-Za-z0-9.-]+$")
        for relation in bill["relationships"]:
            self.assertLessEqual({relation["spdxElementId"], relation["relatedSpdxElement"]}, known)
        for package in bill["packages"][1:]:
            self.assertRegex(package["externalRefs"][0]["referenceLocator"],
                             r"^pkg:deb/debian/[a-z0-9.+-]+@\S+\?arch=\w+&distro=debian-12$")

    def test_the_same_files_make_the_same_tag_and_the_same_bill_of_materials(self):
        program = os.environ.get("CHATGATE") or SOURCE / "build/release/bin/chatgate"
        with tempfile.TemporaryDirectory() as folder:
            # Another name leaves the tested image its own.
            build(folder, program, "--name", "localhost/chatgate-again")
            again = tag_of(folder)
            self.addCleanup(podman, "image", "rm", "--force", again)
            self.assertEqual(again.partition(":")[2], tag_of(BUILT).partition(":")[2])
            bills = [pathlib.Path(path, "chatgate.spdx.json").read_text() for path in
                     (folder, BUILT)]
            self.assertEqual(*bills)


if __name__ == "__main__":
    require_containers()
    unittest.main(verbosity=2)
