"""Write one configuration file per team from a table of pages: pages.py PAGES.CSV DIRECTORY

Each row is a page. The column `team` names the file and becomes a tag; any other column is an option of the check. An
empty cell leaves the option out, and a cell of several lines is a list.
"""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path
from typing import Any

import yaml

HEADER = '# Written by pages.py: change the table instead.\n'
NOT_TEXT = {'case_sensitive', 'max_body_size', 'min_collection_interval', 'regex', 'timeout'}


def value(option: str, cell: str) -> Any:
    lines = [yaml.safe_load(line) if option in NOT_TEXT else line for line in cell.strip().splitlines()]
    return lines if len(lines) > 1 or option == 'tags' else lines[0]


def teams(table: Path) -> dict[str, list[dict[str, Any]]]:
    pages: dict[str, list[dict[str, Any]]] = {}
    names: set[str] = set()
    with table.open(encoding='utf-8-sig', newline='') as file:
        rows = csv.DictReader(file)
        for row in rows:
            team = row.pop('team', None) or ''
            if None in row or not re.fullmatch(r'[\w-]+', team):
                raise SystemExit(f'{table}, line {rows.line_num}: too many cells, or no team')
            page = {option: value(option, cell) for option, cell in row.items() if cell and cell.strip()}
            if page.get('name') in names | {None}:
                raise SystemExit(f'{table}, line {rows.line_num}: the name is missing or taken')
            names.add(page['name'])
            pages.setdefault(team, []).append(page | {'tags': [f'team:{team}', *page.get('tags', [])]})
    return pages


def main(table: str, directory: str) -> None:
    pages = teams(Path(table))
    for file in Path(directory).glob('*.yaml'):
        if file.read_text(encoding='utf-8').startswith(HEADER):
            file.unlink()
    for team, instances in pages.items():
        configuration = {'init_config': {}, 'instances': instances}
        text = yaml.safe_dump(configuration, allow_unicode=True, sort_keys=False)
        (Path(directory) / f'{team}.yaml').write_text(HEADER + text, encoding='utf-8')


if __name__ == '__main__':
    main(*sys.argv[1:])
