"""The README's own code, word for word, against a real server."""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")

SHOWN = "        print(posted.transaction.sequence)\n"


def test_the_ten_lines_post(server_address: str, tmp_path: Path) -> None:
    """Only the address is another one: the server of a test takes a free port."""
    block, shared = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert "127.0.0.1:7070" in block
    script = tmp_path / "ten_lines.py"
    # What shares calls goes at the end of the program before it.
    main, run = block.split("\n\n\nasyncio.run")
    program = f"{main}\n{textwrap.indent(shared, ' ' * 8)}{SHOWN}\n\nasyncio.run{run}"
    script.write_text(program.replace("127.0.0.1:7070", server_address))
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    sequence, net, second = done.stdout.split()
    assert int(sequence) > 1
    assert net == "12.50"
    assert int(second) == int(sequence) + 1


def test_every_file_that_it_names_is_there() -> None:
    for page in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        for link in re.findall(r"\]\(([^)#]+)\)", text):
            assert (ROOT / link).exists(), f"{page}: {link}"
