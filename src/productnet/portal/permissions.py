"""Who may do what: one line an operation, and nothing is open that has no line."""

from collections.abc import Mapping
from dataclasses import dataclass

from productnet.people.roles import ALL_ROLES, PersonRole, Scope


@dataclass(frozen=True, slots=True)
class Permission:
    """Who may use an operation.

    Attributes:
        roles: One of them is needed; None lets in whoever comes, signed in or not.
        scope: What an API key needs; None refuses every key.
    """

    roles: frozenset[PersonRole] | None
    scope: Scope | None


PUBLIC = Permission(None, None)


def _signed_in(scope: Scope | None = Scope.READ) -> Permission:
    return Permission(ALL_ROLES, scope)


def _only(*roles: PersonRole, scope: Scope | None = Scope.READ) -> Permission:
    return Permission(frozenset({*roles, PersonRole.ADMIN}), scope)


_LABELER, _AUDITOR = PersonRole.LABELER, PersonRole.AUDITOR
_ADJUDICATOR = PersonRole.ADJUDICATOR

# The operation ids of the API; ``record_decisions`` looks at the role of each decision besides.
PERMISSIONS: Mapping[str, Permission] = {
    # Doors
    "sign_in": PUBLIC,
    "sign_out": _signed_in(scope=None),
    "get_session": _signed_in(),
    "change_password": _signed_in(scope=None),
    "events": _signed_in(),
    "list_sessions": _signed_in(scope=None),
    "end_session": _signed_in(scope=None),
    "list_keys": _signed_in(scope=None),
    "add_key": _signed_in(scope=None),
    "revoke_key": _signed_in(scope=None),
    # People
    "list_people": _only(scope=Scope.ADMIN),
    "add_person": _only(scope=Scope.ADMIN),
    "change_person": _only(scope=Scope.ADMIN),
    "list_sessions_of": _only(scope=Scope.ADMIN),
    "end_sessions_of": _only(scope=Scope.ADMIN),
    # The tree
    "get_tree": _signed_in(),
    "get_progress": _signed_in(),
    "get_leaf": _signed_in(),
    "put_guideline": _only(scope=Scope.ADMIN),
    # Products
    "get_products": _signed_in(),
    "get_product": _signed_in(),
    "get_image": _signed_in(),
    "get_leaf_products": _signed_in(),
    # Work
    "get_queue": _signed_in(),
    "take_lease": _only(_LABELER, _AUDITOR, scope=Scope.ANNOTATE),
    "take_next_lease": _only(_LABELER, _AUDITOR, scope=Scope.ANNOTATE),
    "release_lease": _only(_LABELER, _AUDITOR, scope=Scope.ANNOTATE),
    "assign": _only(scope=Scope.ADMIN),
    "get_candidates": _only(_LABELER),
    "record_decisions": _signed_in(scope=Scope.ANNOTATE),
    "get_audit": _only(_AUDITOR),
    # Overview
    "get_dashboard": _only(_ADJUDICATOR),
    "list_leaf_quality": _only(_ADJUDICATOR),
    "list_rounds": _signed_in(),
    "start_round": _only(scope=Scope.ADMIN),
    "get_job": _signed_in(),
    "cancel_job": _only(scope=Scope.ADMIN),
    "list_releases": _only(),
    "start_release": _only(scope=Scope.ADMIN),
    "get_release_file": _only(),
    "get_release_archive": _only(),
    "list_activity": _only(scope=Scope.ADMIN),
    "list_webhooks": _only(scope=Scope.ADMIN),
    "add_webhook": _only(scope=Scope.ADMIN),
    "change_webhook": _only(scope=Scope.ADMIN),
    "delete_webhook": _only(scope=Scope.ADMIN),
    "list_deliveries": _only(scope=Scope.ADMIN),
    "send_again": _only(scope=Scope.ADMIN),
    # Answers looked at again, and what the master model recommends
    "list_disputes": _only(_ADJUDICATOR),
    "list_suspects": _only(_ADJUDICATOR),
    "list_duplicates": _only(_ADJUDICATOR),
    "review_duplicates": _only(_ADJUDICATOR, scope=Scope.ANNOTATE),
    "take_back_review": _only(_ADJUDICATOR, scope=Scope.ANNOTATE),
    "list_flaws": _only(_ADJUDICATOR),
    "start_inspection": _only(scope=Scope.ADMIN),
    "list_recommendations": _only(_LABELER),
    "list_recommended_products": _only(_LABELER),
    # The map
    "get_map": _signed_in(),
    "get_map_points": _signed_in(),
    "get_map_legend": _signed_in(),
    "get_map_colours": _signed_in(),
    "get_map_ids": _signed_in(),
    "get_map_products": _signed_in(),
    # Operation; health is open, and is no part of the API
    "get_metrics": _only(scope=Scope.ADMIN),
}
