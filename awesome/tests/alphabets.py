"""Characters in which mistakes would show, by encoding."""

ALPHABETS = {
    'ascii': 'aAbB.\\*|\n\0',
    'utf-8': 'aAbBß ſẞSs漢é😀İ\n\0',
    'utf-16': 'aAbBßSs漢é😀İ\n\0',
    'windows-1252': 'aAbBßSséÉ€“\n',
    'shift_jis': 'aAbｱ表ソ能漢字\n',
    'gb18030': 'aAbß漢é😀\n',
    'euc-kr': 'aAb한글\n',
    'koi8-r': 'aAbДдЙй\n',
}
