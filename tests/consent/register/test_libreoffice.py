"""The register opens in LibreOffice as it was written, and what LibreOffice saves comes back without a loss."""

import csv
import io
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from consent.register import cnil, policy
from consent.register.spreadsheet import sheets_in
from consent.register.types import Data, Kind, Listed, Register, Rubric
from consent.types import Ending
from tests.consent.register.test_cnil import ALIZARINE, file_of, read
from tests.consent.register.test_policy import FULL, TODAY

SECONDS = 120
# Semicolons, every text in quotes, UTF-8, cells as they are shown, each sheet into a file of its own.
CSV = "csv:Text - txt - csv (StarCalc):59,34,76,1,,0,true,false,true,false,false,-1"
# Saved as the forms save it.
HOSTILE = policy.tidy(
    replace(
        FULL,
        name="=HYPERLINK(1) « Paie » & <b>",
        technical="Chiffrement.\nSauvegardes : deux par nuit.\n\n'Essai",
        organisational="+33 4 65 71 00 01",
        data=(*FULL.data, Data(Rubric.HEALTH, "Arrêts", "1 an", "la reprise", Ending.DELETE, "9(2)(b)")),
    )
)
REGISTER = Register(
    TODAY,
    ALIZARINE,
    (Listed("T-001", Kind.CONTROLLER, 1, TODAY, FULL), Listed("T-002", Kind.CONTROLLER, 3, TODAY, HOSTILE)),
)


@pytest.fixture
def office(tmp_path: Path):
    """LibreOffice without a window, with a profile of its own."""
    program = shutil.which("soffice")
    assert program, "install libreoffice-calc-nogui"

    def convert(file: Path, to: str) -> Path:
        out = tmp_path / "out"
        profile = f"-env:UserInstallation=file://{tmp_path}/profile"
        command = [program, "--headless", "--norestore", profile, "--convert-to", to, "--outdir", str(out), str(file)]
        subprocess.run(command, check=True, capture_output=True, timeout=SECONDS, cwd=tmp_path)
        return out

    return convert


def cells(rows: cnil.Rows) -> cnil.Rows:
    """Without what a table pads: empty cells at the end of a row, empty rows at the end of a sheet."""
    found = [list(row) for row in rows]
    for row in found:
        while row and not row[-1]:
            row.pop()
    while found and not found[-1]:
        found.pop()
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "registre.ods"
    path.write_bytes(file_of(REGISTER))
    return path


def test_every_cell_is_shown_as_it_was_written(office, file):
    out = office(file, CSV)

    for name, rows in sheets_in(io.BytesIO(file.read_bytes()), size=file.stat().st_size):
        text = (out / f"registre-{name}.csv").read_text(encoding="utf-8-sig")
        assert cells(list(csv.reader(io.StringIO(text), delimiter=";"))) == cells(rows), name
    assert len(list(out.iterdir())) == 1 + len(REGISTER.records)


@pytest.mark.gdpr("G27")
def test_what_it_saves_is_read_again_without_a_loss(office, file):
    saved = office(file, "ods") / "registre.ods"

    found = read(saved.read_bytes())

    assert saved.read_bytes() != file.read_bytes()
    assert found.errors == []
    assert [(each.reference, each.kind, each.content) for each in found.records] == [
        (each.reference, each.kind, each.content) for each in REGISTER.records
    ]
    assert found.parties == ALIZARINE
