"""Grafana's dashboards as JSON, made from the modules of `boards`: `python deploy/grafana/build.py [FOLDER]`.

Grafana's own SDK (generated from its schema) writes them; a test compares the files with what this code makes.
"""

import json
import sys
from pathlib import Path

from boards import rulebook, service, stream
from grafana_foundation_sdk.cog.encoder import JSONEncoder

FOLDER = Path(__file__).parent / "dashboards"


def made() -> dict[str, str]:
    """The dashboards as JSON by file name."""
    pages = {"service.json": service, "stream.json": stream, "rulebook.json": rulebook}
    return {
        name: json.dumps(page.made().build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"
        for name, page in pages.items()
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in made().items():
        (folder / name).write_text(text, encoding="utf-8")
