"""Page layouts as administrators make them, and as tools rewrite them: with comments, entities, odd white space, line ends."""

from __future__ import annotations

from hypothesis import strategies as st

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"

_WORDS = st.text(alphabet="abcXYZ &<>'\"é—%{}$", min_size=1, max_size=12).filter(str.strip)
_SPACES = st.sampled_from(["", "\n", "\n    ", "\n\t", "\r\n  ", "\n\n    ", " "])
_COMMENTS = st.sampled_from(["", "", "", "<!-- mine -->", "<!-- <layoutSections> -->", "<?tool keep?>"])


def _text(word: str) -> str:
    return word.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("'", "&apos;")


def _leaf(tag: str, word: str) -> str:
    return f"<{tag}>{_text(word)}</{tag}>"


@st.composite
def _items(draw: st.DrawFn, tag: str = "layoutItems") -> str:
    shown = draw(st.sampled_from(["field", "page", "customLink", "emptySpace"]))
    name = (
        "true" if shown == "emptySpace" else draw(st.sampled_from(["Email", "Their_Page", "Own__c", "Sync_to_Hint2"]))
    )
    space = draw(_SPACES)
    return f"<{tag}>{space}{_leaf(shown, name)}{draw(_COMMENTS)}{space}</{tag}>"


@st.composite
def _sections(draw: st.DrawFn) -> str:
    space = draw(_SPACES)
    label = draw(st.one_of(st.just("Hint Health"), _WORDS))
    columns = draw(st.lists(st.lists(_items(), max_size=3), min_size=0, max_size=2))
    inner = "".join(
        f"{space}<layoutColumns>{''.join(column)}</layoutColumns>" if column else f"{space}<layoutColumns/>"
        for column in columns
    )
    return f"<layoutSections>{space}{_leaf('label', label)}{inner}{space}{_leaf('style', 'OneColumn')}</layoutSections>"


@st.composite
def _actions(draw: st.DrawFn) -> str:
    names = draw(st.lists(st.sampled_from(["Edit", "Contact.Call", "Delete"]), unique=True))
    space = draw(_SPACES)
    items = "".join(
        f"{space}<platformActionListItems>{_leaf('actionName', name)}{_leaf('actionType', 'QuickAction')}"
        f"{_leaf('sortOrder', str(number * 2))}</platformActionListItems>"
        for number, name in enumerate(names)
    )
    context = draw(st.sampled_from(["Record", "Record", "ListView"]))
    return f"<platformActionList>{space}{_leaf('actionListContext', context)}{items}{space}</platformActionList>"


@st.composite
def layouts(draw: st.DrawFn) -> bytes:
    """Layouts without anything of ours; a section of theirs may have the name of ours."""
    buttons = [
        _leaf("customButtons", name) for name in draw(st.lists(st.sampled_from(["A", "B2", "Unlink"]), unique=True))
    ]
    parts = [*buttons, *draw(st.lists(_sections(), max_size=3)), *draw(st.lists(_actions(), max_size=1))]
    parts.append(_leaf("showEmailCheckbox", "false"))
    space = draw(_SPACES)
    inner = "".join(f"{space}{draw(_COMMENTS)}{space}{part}" for part in parts)
    head = draw(
        st.sampled_from(["", '<?xml version="1.0" encoding="UTF-8"?>\n', "<?xml version='1.0'?><!-- a -->\r\n"])
    )
    mark = draw(st.sampled_from(["", "\ufeff"]))
    tail = draw(st.sampled_from(["", "\n", "\r\n<!-- end -->"]))
    return f'{mark}{head}<Layout xmlns="{NAMESPACE}" >{inner}{draw(_SPACES)}</Layout>{tail}'.encode()
