"""The style sheet is written in small files and served as one, joined at the start; there is no build."""

import re
from pathlib import Path

_IMPORT = re.compile(r'@import url\("([\w/.-]+)"\)(?: layer\((\w+)\))?(?: (print))?;')


def joined(sheet: Path) -> str:
    """Return `sheet` with each @import replaced by the file it names, in its layer and medium."""

    def put_in(found: re.Match[str]) -> str:
        text = (sheet.parent / found[1]).read_text(encoding="utf-8")
        if found[2]:
            text = f"@layer {found[2]} {{\n{text}}}\n"
        return f"@media {found[3]} {{\n{text}}}\n" if found[3] else text

    return _IMPORT.sub(put_in, sheet.read_text(encoding="utf-8"))
