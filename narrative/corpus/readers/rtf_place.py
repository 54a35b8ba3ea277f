"""One story of an RTF file in the making: RTF says only at a paragraph's end whether it stood in a table."""

from __future__ import annotations

from narrative.corpus.readers.office_flow import Line, Look, Story


class Place:
    """The body, a note or a text box: its lines, and the cells of the row in the making."""

    def __init__(self, depth: int = 0, *, note: bool = False) -> None:
        self.depth = depth  # of the group that holds it
        self.note = note
        self.listed = False  # the paragraph had a bullet or number
        self.paragraph = Story()
        self._body = Story()
        self._cell, self._cells = Story(), list[Story]()
        self._inner_cell, self._inner_cells = Story(), list[Story]()

    def end_paragraph(self, look: Look, level: int) -> None:
        """`level` is 0 outside of tables, 1 in a cell, 2 and more in a table inside a cell."""
        self.paragraph.finish(look)
        lines, self.paragraph.lines = self.paragraph.lines, []
        self.listed = False
        if lines and not level:
            self.end_row()
        target = (self._body, self._cell, self._inner_cell)[min(level, 2)]
        target.lines.extend(lines)

    def end_cell(self) -> None:
        self._cells.append(self._cell)
        self._cell = Story()

    def end_row(self) -> None:
        self.end_inner_row()
        if self._cell.lines:
            self.end_cell()
        self._body.row(self._cells)
        self._cells.clear()

    def end_inner_cell(self) -> None:
        self._inner_cells.append(self._inner_cell)
        self._inner_cell = Story()

    def end_inner_row(self) -> None:
        if self._inner_cell.lines:
            self.end_inner_cell()
        self._cell.row(self._inner_cells)
        self._inner_cells.clear()

    def close(self) -> list[Line]:
        """All its lines, once its last paragraph has ended."""
        self.end_row()
        return self._body.lines
