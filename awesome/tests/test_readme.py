"""The README's examples do what it says."""

import re
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml

from datadog_checks.awesome import AwesomeCheck

from .conftest import Result
from .server import Server, response

pytestmark = pytest.mark.unit

README = (Path(__file__).parents[1] / 'README.md').read_text()
SECTION = README.partition('\n## What can I look for?\n')[2].partition('\n## ')[0]
EXAMPLES = re.findall(r'\n### (.+?)\n.*?```yaml\n(.+?)```', SECTION, re.DOTALL)

# For each example a page that is as it should be, and one that is not.
PAGES = {
    'A phrase': ('Thank you for using nginx.', 'Thank you for using Apache.'),
    'Any of two translations': ('<button>In den Warenkorb</button>', '<button>Ajouter au panier</button>'),
    'A page that must not say "Traceback" or "Fatal error"': ('Your order', 'Your order: Fatal error'),
    'A version number': ('{"version": "2.10.3"}', '{"version": "2.9.3"}'),
    'Text copied from a browser': (
        '<p>Thank you for <b>using</b>\nnginx&#46;</p>',
        '<!-- Thank you for using nginx. -->',
    ),
    'An old page in another encoding': ('<p>Öffnungszeiten', '<p>Oeffnungszeiten'),
}


def test_every_example_has_pages() -> None:
    assert [title for title, _ in EXAMPLES] == list(PAGES)


@pytest.mark.parametrize(('title', 'example'), EXAMPLES, ids=[title for title, _ in EXAMPLES])
def test_example(title: str, example: str, serve: Callable[..., Server], run: Callable[..., Result]) -> None:
    (instance,) = yaml.safe_load(example)['instances']
    encoding = instance.get('encoding', 'utf-8')

    statuses = []
    for page in PAGES[title]:
        instance['url'] = serve(response(page.encode(encoding), Content_Type='text/html')).url
        statuses.append(run(**instance).status)

    assert statuses == [AwesomeCheck.OK, AwesomeCheck.WARNING]


@pytest.mark.parametrize('block', re.findall(r'```yaml\n(.+?)```', README, re.DOTALL))
def test_yaml_is_a_valid_configuration(block: str) -> None:
    configuration: dict[str, Any] = yaml.safe_load(dedent(block))

    for instance in configuration['instances']:
        check = AwesomeCheck('awesome', configuration.get('init_config', {}), [instance])
        check.load_configuration_models()
        assert not check.log_typos_in_options(instance, check.config, 'instances')
