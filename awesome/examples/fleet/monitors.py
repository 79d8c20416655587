"""Print monitors for the pages of one team, one a line: monitors.py TEAM HANDLE MONITOR...

HANDLE is whom they notify, such as @slack-shop; each MONITOR is a file in `assets/monitors`. Each line is the body of a
request to Datadog's API: POST /api/v1/monitor.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any


def narrow(query: str, team: str) -> str:
    """Return the query for the pages with the tag of the team alone."""
    query = query.replace('over("*")', f'over("team:{team}")').replace('{*}', f'{{team:{team}}}')
    return re.sub(r'\{(freshness:\w+)}', rf'{{\1,team:{team}}}', query)


def of_team(definition: dict[str, Any], team: str, handle: str) -> dict[str, Any]:
    return definition | {
        'query': narrow(definition['query'], team),
        'message': re.sub(r'\{\{!--.*--}}', lambda _: handle, definition['message']),
        'tags': [*definition['tags'], f'team:{team}'],
    }


def main(team: str, handle: str, *monitors: str) -> None:
    for monitor in monitors:
        definition = json.loads(Path(monitor).read_text(encoding='utf-8'))['definition']
        print(json.dumps(of_team(definition, team, handle)))


if __name__ == '__main__':
    main(*sys.argv[1:])
