"""No secret of the configuration is in any tag, message, log line or error, whatever a server does with it."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from typing import Any

import pytest

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.awesome.reading.verdict import HeaderMiss, JSONMiss, Side, Value, Verdict
from datadog_checks.awesome.secrets import MASK, Mask, secrets_of, unresolved

from .leaks import DOORS, ECHOES, LEAKS, SECRETS, instance_with_secrets, leaks_in
from .server import Server, response

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]


@pytest.mark.parametrize('door', DOORS)
@pytest.mark.parametrize('answer', ECHOES)
def test_nothing_secret_is_seen(
    answer: str,
    door: str,
    serve: Serve,
    aggregator: Any,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    server = serve(ECHOES[answer])
    check = AwesomeCheck(name='awesome', init_config={}, instances=[instance_with_secrets(server) | DOORS[door]])

    error = check.run()

    assert error == ''
    assert SECRETS['header'].encode() in server.requests[0]
    (result,) = aggregator.service_checks('awesome.search')
    assert result.status in (AwesomeCheck.WARNING, AwesomeCheck.CRITICAL)
    assert leaks_in(f'{result.message} {result.tags} {caplog.text} {capfd.readouterr()}') == []


def test_nothing_secret_is_in_the_traceback_of_an_unforeseen_error(
    serve: Serve, aggregator: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise LookupError(' '.join(LEAKS))

    monkeypatch.setattr('datadog_checks.awesome.probe.read', fail)

    check = AwesomeCheck(name='awesome', init_config={}, instances=[instance_with_secrets(serve(response(b'x')))])

    assert check.run() == ''
    assert 'LookupError' in caplog.text
    assert leaks_in(caplog.text) == []


URL = 'http://localhost/'
OAUTH = {'type': 'oauth', 'url': URL, 'client_id': 'id', 'client_secret': 'hunter22'}


@pytest.mark.parametrize(
    'options',
    [
        pytest.param({'url': 'http://me:hunter22@localhost/'}, id='password in the URL'),
        pytest.param({'url': 'http://hunter22@localhost/'}, id='user without a password'),
        pytest.param({'url': 'http://hunter22:@localhost/'}, id='user with an empty password'),
        pytest.param({'url': 'http://localhost/?token=hunter22'}, id='value in the query'),
        pytest.param({'url': 'http://localhost/?a&hunter22'}, id='key in the query'),
        pytest.param({'url': 'http://localhost/#hunter22'}, id='fragment'),
        pytest.param({'password': 'hunter22', 'username': 'me'}, id='password'),
        pytest.param({'headers': {'Cookie': 'a=1; session=hunter22; b=2'}}, id='one of several cookies'),
        pytest.param({'headers': {'Authorization': 'Bearer hunter22'}}, id='bearer token'),
        pytest.param({'extra_headers': {'X-Api-Key': 'hunter22'}}, id='header'),
        pytest.param({'data': 'user=me&password=hunter22'}, id='form as a string'),
        pytest.param({'data': {'user': 'me', 'password': 'hunter22'}}, id='form'),
        pytest.param({'data': {'codes': ['hunter22']}}, id='list in a form'),
        pytest.param({'data': '{"login": {"codes": ["hunter22"]}}'}, id='JSON'),
        pytest.param({'url': 'http://localhost/?a=1;token=hunter22'}, id='query with semicolons'),
        pytest.param({'headers': {'Authorization': 'Token token="hunter22"'}}, id='quoted parameter of a header'),
        pytest.param({'headers': {'Authorization': 'Basic bWU6aHVudGVyMjI='}}, id='password in base64'),
        pytest.param({'headers': {'Cookie': 'a=b; pin=6 hunter22'}}, id='blank in a cookie'),
        pytest.param({'headers': {'Authorization': 'Token 6 hunter22'}}, id='blank in a token'),
        pytest.param({'auth_token': {'writer': {'value': '6<b> <TOKEN> hunter22'}}}, id='bracket beside a token'),
        pytest.param({'data': '<login><user>me</user><pin> hunter22 </pin></login>'}, id='XML'),
        pytest.param({'data': '<login user="me" pin="hunter22"/>'}, id='attribute in XML'),
        pytest.param({'data': '{"query": "{login(pin: \'hunter22\')}"}'}, id='query in JSON'),
        pytest.param({'data': '"hunter22"'}, id='JSON without an object'),
        pytest.param({'proxy': {'http': 'http://me:hunter22@proxy:3128'}}, id='password of a proxy'),
        pytest.param({'proxy': {'http': 'http://hunter22@proxy:3128'}}, id='user of a proxy'),
        pytest.param({'proxy': {'http': 'me:hunter22@proxy:3128'}}, id='password of a proxy without a scheme'),
        pytest.param({'tls_private_key_password': 'hunter22'}, id='password of a key'),
        pytest.param({'auth_token': {'reader': OAUTH, 'writer': {}}}, id='client secret'),
        pytest.param({'auth_token': {'reader': {'url': f'{URL}?key=hunter22'}}}, id='query of a token endpoint'),
        pytest.param({'auth_token': {'reader': {'options': {'assertion': 'hunter22'}}}}, id='option of a token'),
        pytest.param({'auth_token': {'writer': {'value': 'hunter22 <TOKEN>'}}}, id='header beside a token'),
    ],
)
def test_secret_of_each_option_is_hidden(options: dict[str, Any]) -> None:
    mask = Mask(secrets_of({'url': URL} | options, {}))

    assert mask('it is hunter22, really') == f'it is {MASK}, really'


def test_login_at_a_token_endpoint_is_hidden() -> None:
    mask = Mask(secrets_of({'auth_token': {'reader': OAUTH}}, {}))

    assert mask('Authorization: Basic aWQ6aHVudGVyMjI=') == f'Authorization: Basic {MASK}'


SPELLED = 'Päss "w&rd\\" / 1'


@pytest.mark.parametrize(
    'spelling',
    [
        pytest.param(SPELLED, id='as it is'),
        pytest.param(SPELLED.upper(), id='upper case'),
        pytest.param('P%C3%A4ss%20%22w%26rd%5C%22%20%2F%201', id='percent-encoded'),
        pytest.param('P%c3%a4ss+%22w%26rd%5c%22+/+1', id='of a form'),
        pytest.param('P&auml;ss'.replace('&auml;', '&#228;') + ' &quot;w&amp;rd\\&quot; / 1', id='HTML'),
        pytest.param('P\\u00e4ss \\"w&rd\\\\\\" / 1', id='JSON'),
        pytest.param('PÃ¤ss "w&rd\\" / 1', id='UTF-8 read as Latin-1'),
        pytest.param('Päss\n  "w&rd\\"\t/ 1', id='other white space'),
        pytest.param('P\\xc3\\xa4ss "w&rd\\\\" / 1', id='bytes in Python'),
        pytest.param('P%25C3%25A4ss%2520%2522w%2526rd%255C%2522%2520%252F%25201', id='percent-encoded twice'),
        pytest.param('P%C3%A4ss%20&quot;w&amp;rd%5C&quot;%20/%201', id='a URL in HTML'),
        pytest.param('UMOkc3MgIncmcmRcIiAvIDE', id='base64'),
        pytest.param('UORzcyAidyZyZFwiIC8gMQ==', id='base64 of Latin-1'),
        pytest.param('P%u00e4ss "w&rd\\" / 1', id='escape() of JavaScript'),
        pytest.param('P\\u{e4}ss "w&rd\\\\" / 1', id='braces of JavaScript'),
        pytest.param('P\\U000000e4ss "w&rd\\\\" / 1', id='Python'),
        pytest.param('P\\303\\244ss "w&rd\\\\" / 1', id='octal'),
        pytest.param('Pa\u0308ss "w&rd\\" / 1', id='combining marks'),
        pytest.param('P\ufffdss "w&rd\\" / 1', id='Latin-1 read as UTF-8'),
        pytest.param('P\ufffd\ufffdss "w&rd\\" / 1', id='UTF-8 read as ASCII'),
        pytest.param('PГ¤ss "w&rd\\" / 1', id='UTF-8 read as windows-1251'),
        pytest.param('P?ss "w&rd\\" / 1', id='only ASCII'),
        pytest.param('Pä\xadss "w\u200b&rd\\" / 1', id='what nobody sees'),
        pytest.param('PÄSS "W&amp;RD\\" / 1', id='upper case in HTML'),
        pytest.param('P%C3%A4ss%20%22w%26amp%3Brd%5C%22%20%2F%201', id='HTML in a URL'),
    ],
)
def test_secret_is_hidden_in_each_spelling(spelling: str) -> None:
    assert Mask([SPELLED])(f'<{spelling}>') == f'<{MASK}>'


@pytest.mark.parametrize(
    ('secret', 'spelling'),
    [
        pytest.param('Über–Maß', 'Ãœberâ€“MaÃŸ', id='UTF-8 read as windows-1252'),
        pytest.param('Maß-Straße', 'MASS-STRASSE', id='letters that upper case doubles'),
        pytest.param('a\u0301te\u0301-7', 'áté-7', id='composed'),
        pytest.param('\U0001f600\U0001f601!!', '\\ud83d\\ude00\\ud83d\\ude01!!', id='surrogates of JSON'),
        pytest.param('пароль', 'Ð¿Ð°Ñ\x80Ð¾Ð»Ñ\x8c', id='without ASCII'),
        pytest.param('q~?q~?>', 'cX4_cX4_Pg', id='base64 of URLs'),
        pytest.param('ab\\cd"', 'ab/cd"', id='backslash in the path of a URL'),
        pytest.param('ab-cd"', 'ab-cd/"', id='JSON in the path of a URL'),
        pytest.param('secret', 's<b class="x">ec</b>ret', id='markup inside'),
        pytest.param('12<abc>345', '12345', id='markup of its own'),
        pytest.param('<secret>\\', '&lt;secret&gt;\\', id='backslash at the end'),
    ],
)
def test_secret_of_other_characters_is_hidden_in_each_spelling(secret: str, spelling: str) -> None:
    assert Mask([secret])(f'<{spelling}>').replace('\\', '') == f'<{MASK}>'


@pytest.mark.parametrize('place', ['header', 'markup'])
def test_part_of_a_secret_that_names_no_encoding_is_hidden(place: str, serve: Serve, aggregator: Any) -> None:
    declared = 'text/html; charset=Zq;Vx1234'
    body = f'<meta http-equiv=content-type content="{declared}">' if place == 'markup' else 'x'
    server = serve(response(body.encode(), Content_Type=declared if place == 'header' else 'text/html'))
    instance = {'url': server.url, 'search_string': 'y', 'headers': {'X-Key': 'Zq;Vx1234'}}

    AwesomeCheck('awesome', {}, [instance]).check(instance)

    assert 'Zq' not in aggregator.service_checks('awesome.search')[0].message


def test_few_letters_between_others_are_no_secret() -> None:
    assert Mask(['тайна-main-тайна'])('the main page – Ö') == 'the main page – Ö'


def test_secret_is_hidden_each_time() -> None:
    assert Mask(['hunter22'])('hunter22 ' * 5) == f'{MASK} ' * 5


def test_longest_secret_is_hidden_whole() -> None:
    assert Mask(['secret', 'secret-longer', 'sec'])('secret-longer secret') == f'{MASK} {MASK}'


def test_secrets_that_overlap_are_hidden_whole() -> None:
    assert Mask(['one-two', 'two-three'])('<one-two-three>') == f'<{MASK}>'


def test_long_secret_is_hidden_to_its_end() -> None:
    secret = ''.join(f'{number:x}-' for number in range(5000))

    assert Mask([secret])(f'<{secret}>') == f'<{MASK}>'


@pytest.mark.parametrize('before', ['\\', '%', '&', '\\u00', '&#', '%2'])
def test_beginning_of_an_escape_before_a_secret_does_not_save_it(before: str) -> None:
    assert 'token-5' not in Mask(['token-5'])(f'{before}token-5')


def test_short_secret_is_hidden_where_it_stands_alone() -> None:
    mask = Mask(secrets_of({'url': URL, 'username': 'me', 'password': 'pw'}, {}))

    assert mask('pw: pwned by "pw"') == f'{MASK}: pwned by "{MASK}"'


def test_secret_of_four_characters_is_hidden_inside_words() -> None:
    mask = Mask(['p4ss'])

    assert mask('xp4ssx') == f'x{MASK}x'


def test_secret_that_is_fetched_later_is_hidden_from_then_on() -> None:
    mask = Mask(['first-one'])

    mask.add_fetched('second-one')

    assert mask('first-one second-one') == f'{MASK} {MASK}'


def test_secrets_that_are_fetched_do_not_pile_up() -> None:
    mask = Mask(['configured'])

    for number in range(100):
        mask.add_fetched(f'token-{number}.')

    assert mask('configured token-0. token-98. token-99.') == f'{MASK} token-0. {MASK} {MASK}'


def test_nothing_secret_is_in_a_configuration_error() -> None:
    check = AwesomeCheck('awesome', {}, [{}])
    options = {
        'search_string': 1,
        'method': 'x',
        'encoding': 'y',
        'password': ['secret'],
        'proxy': 'http://me:secret@p',
    }

    for url in ('http://me:secret@h:x/?secret', 'ftp://me:secret@h/?secret', 'http://me:secret@/'):
        with pytest.raises(Exception, match='url') as error:
            check.check({'url': url, 'headers': {'X-Key': 'secret'}, **options})
        assert 'secret' not in str(error.value)


def test_search_string_stays_readable_even_if_it_is_in_the_query(serve: Serve, aggregator: Any) -> None:
    instance = {'url': f'{serve(response(b"x")).url}?q=datadog', 'search_string': 'datadog agent'}

    AwesomeCheck('awesome', {}, [instance]).check(instance)

    assert "'datadog agent' not found" in aggregator.service_checks('awesome.search')[0].message


def test_what_is_too_short_or_no_secret_stays_readable(serve: Serve, aggregator: Any) -> None:
    server = serve(response(b'<title>1 text/html page</title>'))
    instance = {'url': f'{server.url}?a=1', 'search_string': 'x y', 'headers': {'Accept': 'text/html'}}

    AwesomeCheck('awesome', {}, [instance]).check(instance)

    assert "title '1 text/html page'" in aggregator.service_checks('awesome.search')[0].message


@pytest.mark.parametrize(
    'header',
    ['Accept', 'accept-encoding', 'ACCEPT-LANGUAGE', 'Cache-Control', 'Content-Type', 'Host', 'Origin', 'User-Agent'],
)
def test_header_that_is_no_secret_stays_readable(header: str) -> None:
    assert Mask(secrets_of({'headers': {header: 'harmless'}}, {}))('it is harmless') == 'it is harmless'


@pytest.mark.parametrize('scheme', ['ApiKey', 'Basic', 'Bearer', 'Digest', 'Key', 'Token'])
@pytest.mark.parametrize('source', ['header', 'writer'])
def test_scheme_before_a_secret_stays_readable(scheme: str, source: str) -> None:
    value = f'{scheme} hunter22'
    options = {'headers': {'X-Key': value}} if source == 'header' else {'auth_token': {'writer': {'value': value}}}
    mask = Mask(secrets_of(options, {}))

    assert mask(f'the {scheme} is not accepted: hunter22') == f'the {scheme} is not accepted: {MASK}'


@pytest.mark.parametrize(
    ('options', 'shown'),
    [
        pytest.param({'headers': {'X': 'abcd'}}, f'abc {MASK}', id='header of four characters'),
        pytest.param({'headers': {'X': 'abc'}}, 'abc abcd', id='header of three'),
        pytest.param({'data': {'a': 'abcd', 'b': True, 'c': None}}, f'abc {MASK}', id='data'),
        pytest.param({'url': 'http://h/?abcd'}, f'abc {MASK}', id='query'),
        pytest.param({'password': 'abc', 'username': 'x'}, f'{MASK} abcd', id='password'),
    ],
)
def test_how_long_a_likely_secret_is(options: dict[str, Any], shown: str) -> None:
    assert Mask(secrets_of(options, {}))('abc abcd') == shown


def test_odd_values_and_names() -> None:
    assert secrets_of({'data': {'a': 1 << 20000}}, {}) == set()
    assert secrets_of({'auth_token': {'reader': {1: 'a', None: 'b'}}}, {}) == {'a', 'b'}
    assert unresolved({'a': 1 << 20000}) == []


def test_switches_are_no_secrets() -> None:
    options = {'data': {'remember': True, 'none': None}, 'auth_token': {'reader': {'type': 'file', 'path': '/token'}}}

    assert secrets_of(options, {}) == set()


@pytest.mark.parametrize('option', ['scope', 'audience', 'resource'])
def test_what_a_token_is_asked_for_stays_readable(option: str) -> None:
    reader = {'type': 'oauth', 'client_id': 'the-client', 'options': {option: 'harmless', 'assertion': 'hunter22'}}

    assert Mask(secrets_of({'auth_token': {'reader': reader}}, {}))('harmless the-client') == 'harmless the-client'


def test_basic_authentication_is_hidden() -> None:
    sent = base64.b64encode(b'me:hunter22').decode()

    assert Mask(secrets_of({'username': 'me', 'password': 'hunter22'}, {}))(f'Basic {sent}') == f'Basic {MASK}'
    assert Mask(secrets_of({'url': 'http://me:hunter22@h/'}, {}))(f'Basic {sent}') == f'Basic {MASK}'


def test_basic_authentication_is_hidden_as_it_is_sent_by_default() -> None:
    sent = base64.b64encode('mé:hünter22'.encode('latin-1')).decode()

    assert Mask(secrets_of({'username': 'mé', 'password': 'hünter22'}, {}))(f'Basic {sent}') == f'Basic {MASK}'


@pytest.mark.parametrize('where', ['instance', 'init_config', 'agent'])
def test_password_of_any_proxy_is_hidden(where: str, datadog_agent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = {'proxy': {'http': 'http://me:hunter22@proxy:3128', 'no_proxy': ['localhost']}}
    monkeypatch.setitem(datadog_agent._config, 'proxy', proxy['proxy'] if where == 'agent' else {})

    mask = Mask(secrets_of(proxy if where == 'instance' else {}, proxy if where == 'init_config' else {}))

    assert mask('407 hunter22 localhost') == f'407 {MASK} localhost'


def test_only_the_beginning_of_a_long_secret_is_compared() -> None:
    secret = ''.join(f'{number:04}' for number in range(3000))

    assert Mask([secret])(f'<{secret}>').startswith(f'<{MASK}')
    assert secret[1000:1024] not in Mask([secret])(secret)


@pytest.mark.parametrize(
    ('value', 'found'),
    [('ENC[a]', True), ('ENC[a.b/c]', True), ('ENC[]', True), ('an ENC[a]', False), ('ENC[a] b', False), (1, False)],
)
def test_handles_that_nobody_resolved(value: object, found: bool) -> None:
    assert unresolved({'a': value, 'b': [{'c': value}], 'd': 'x'}) == (['a', 'b'] if found else [])


def test_last_secrets_that_were_fetched_are_hidden() -> None:
    mask = Mask()

    for number in range(100):
        mask.add_fetched(f'token-{number}.')

    assert mask('token-83. token-84.') == f'token-83. {MASK}'


# With each hexadecimal digit in each place that it can have.
DIGITS = ''.join(map(chr, [*range(0xA1, 0x100), 0x1234, 0x2345, 0x5678, 0x6789, 0x9ABC, 0xABCD, 0xCDEF, 0xEF01]))


@pytest.mark.parametrize('case', ['x', 'X'])
@pytest.mark.parametrize(
    'escape',
    [
        pytest.param(lambda character, case: ''.join(f'%{byte:02{case}}' for byte in character.encode()), id='URL'),
        pytest.param(lambda character, case: ''.join(f'\\x{byte:02{case}}' for byte in character.encode()), id='bytes'),
        pytest.param(lambda character, case: f'\\u{ord(character):04{case}}', id='JSON'),
        pytest.param(lambda character, case: f'&#x{ord(character):{case}};', id='HTML'),
        pytest.param(lambda character, _: f'&#{ord(character)};', id='decimal HTML'),
        pytest.param(lambda character, case: f'%u{ord(character):04{case}}', id='escape() of JavaScript'),
        pytest.param(lambda character, case: f'\\u{{{ord(character):{case}}}}', id='braces of JavaScript'),
        pytest.param(lambda character, case: f'\\U{ord(character):08{case}}', id='Python'),
        pytest.param(lambda character, _: ''.join(f'\\{byte:03o}' for byte in character.encode()), id='octal'),
    ],
)
def test_secret_is_hidden_whichever_digits_its_escapes_have(escape: Callable[[str, str], str], case: str) -> None:
    escaped = ''.join(escape(character, case) for character in DIGITS)

    assert Mask([DIGITS])(f'<{escaped}>') == f'<{MASK}>'


@pytest.mark.parametrize(
    ('secret', 'shown'),
    [
        pytest.param('two  blanks', 'two++blanks', id='two blanks in a form'),
        pytest.param('two  blanks', 'two + blanks', id='blanks of a form among others'),
        pytest.param('пароль', 'ПАРОЛЬ', id='upper case that is not Latin'),
        pytest.param('ΚΛΕΙΔΙ', 'κλειδι', id='lower case that is not Latin'),
        pytest.param('two\r\n\tlines', r'two\r\n\tlines', id='line break in JSON'),
        pytest.param('two\b\flines', r'two\b\flines', id='control characters in JSON'),
    ],
)
def test_secret_is_hidden_in_the_other_case_and_with_other_blanks(secret: str, shown: str) -> None:
    assert Mask([secret])(f'<{shown}>') == f'<{MASK}>'


def test_user_beside_a_password_stays_readable() -> None:
    mask = Mask(secrets_of({'url': 'http://somebody:hunter22@host/'}, {}))

    assert mask('no somebody at host') == 'no somebody at host'
    assert mask('http://somebody:hunter22@host/') == f'http://{MASK}@host/'


def test_user_info_with_an_at_sign_is_hidden_whole() -> None:
    mask = Mask(secrets_of({'url': 'http://me@home:hunter22@host/'}, {}))

    assert mask('http://me@home:hunter22@host/') == f'http://{MASK}@host/'


@pytest.mark.parametrize(
    ('part', 'setting'),
    [
        *(
            ('reader', setting)
            for setting in ('type', 'path', 'pattern', 'expiration', 'client_id', 'login_url', 'url')
        ),
        *(('reader', setting) for setting in ('basic_auth', 'private_key_path', 'service_account')),
        *(('options', setting) for setting in ('audience', 'grant_type', 'resource', 'scope')),
        *(('writer', setting) for setting in ('type', 'name', 'placeholder')),
    ],
)
def test_setting_that_says_how_a_token_is_got_stays_readable(part: str, setting: str) -> None:
    settings = {setting: 'harmless'}
    token = {'reader': {'options': settings}} if part == 'options' else {part: settings}

    assert Mask(secrets_of({'auth_token': token}, {}))('a harmless word') == 'a harmless word'


@pytest.mark.parametrize(
    ('options', 'secret'),
    [
        pytest.param({'data': '{"pin": 123}'}, '{"pin": 123}', id='JSON'),
        pytest.param({'data': 'pin=123'}, 'pin=123', id='form'),
        pytest.param({'headers': {'X-Key': '6 of 12'}}, '6 of 12', id='short words'),
        pytest.param({'headers': {'Authorization': 'Token 6 of 12'}}, '6 of 12', id='short words behind a scheme'),
        pytest.param({'headers': {'Cookie': 'a=1; pin=6.of=12; b=2'}}, '6.of=12', id='cookie with an equals sign'),
    ],
)
def test_secret_of_short_parts_is_hidden_whole(options: dict[str, Any], secret: str) -> None:
    assert Mask(secrets_of(options, {}))(f'it is {secret}') == f'it is {MASK}'


@pytest.mark.parametrize(
    'options',
    [
        {'url': 8000},
        {'url': 'http://[::1'},
        {'headers': 'X-Key'},
        {'proxy': 'http://proxy:3128'},
        {'auth_token': 'token'},
        {'auth_token': {'reader': 'file'}},
        {'data': '[' * 100_000},
    ],
)
def test_options_of_another_type_are_no_error(options: dict[str, Any]) -> None:
    assert Mask(secrets_of({'password': 'hunter22', **options}, {}))('it is hunter22') == f'it is {MASK}'


@pytest.mark.parametrize('text', ['pw x', 'x pw', 'x-pw.x', '"pw"x', 'pw', '\ud800pw'])
def test_short_secret_stands_alone_between_what_is_no_word(text: str) -> None:
    assert Mask(['pw'])(text) == text.replace('pw', MASK)


@pytest.mark.parametrize('text', ['xpw', 'pwx', '1pw', 'pw_', 'pwpw'])
def test_short_secret_inside_a_word_stays_readable(text: str) -> None:
    assert Mask(['pw'])(text) == text


SIDE = Side('a', 'hunter22', True)
MASKED_SIDE = Side('a', MASK, True)


@pytest.mark.parametrize(
    ('verdict', 'masked'),
    [
        (Verdict(ended_at='http://h/hunter22'), Verdict(ended_at=f'http://h/{MASK}')),
        (
            Verdict(headers=(HeaderMiss('X', 'hunter22', False, True, 'hunter22'),)),
            Verdict(headers=(HeaderMiss('X', 'hunter22', False, True, MASK),)),
        ),
        (Verdict(json=(JSONMiss('a', (SIDE, SIDE)),)), Verdict(json=(JSONMiss('a', (MASKED_SIDE, MASKED_SIDE)),))),
        (
            Verdict(values=(Value('n', 1), Value('m', None, 'no number', SIDE))),
            Verdict(values=(Value('n', 1), Value('m', None, 'no number', MASKED_SIDE))),
        ),
        (Verdict(missing=('hunter22',)), Verdict(missing=('hunter22',))),
    ],
    ids=['final URL', 'header', 'JSON', 'value', 'string'],
)
def test_secret_in_what_a_verdict_met_is_hidden(verdict: Verdict, masked: Verdict) -> None:
    assert verdict.masked(Mask(['hunter22'])) == masked
