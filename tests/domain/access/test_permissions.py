"""What a key takes away from what its member may do."""

from hypothesis import given
from hypothesis import strategies as st

from domain.access.permissions import EVERYTHING, Permissions

_names = st.none() | st.frozensets(st.sampled_from("abc"))
_permissions = st.builds(
    Permissions, profiles=_names, providers=_names, paid=st.booleans(), lan_only=st.booleans()
)


def allows(permissions: Permissions, name: str) -> bool:
    return permissions.profiles is None or name in permissions.profiles


@given(_permissions, _permissions, st.sampled_from("abcd"))
def test_what_both_allow_is_allowed_and_nothing_else(
    member: Permissions, key: Permissions, name: str
) -> None:
    both = member.narrowed_by(key)

    assert allows(both, name) == (allows(member, name) and allows(key, name))
    assert both.paid == (member.paid and key.paid)
    assert both.lan_only == (member.lan_only or key.lan_only)


@given(_permissions)
def test_a_key_that_says_nothing_takes_nothing_away(member: Permissions) -> None:
    assert member.narrowed_by(EVERYTHING) == member
