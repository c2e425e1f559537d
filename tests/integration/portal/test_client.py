"""The typed client against the portal itself, over a socket."""

import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from productnet.client import Answer, Client, ClientError
from productnet.client.problems import Conflict, NotAllowed, NotFound, NotSignedIn
from productnet.people.doors import Doors
from productnet.portal.app import create_app
from productnet.portal.portal import Portal
from tests.integration.portal.conftest import PASSWORD


@pytest.fixture
def served(portal: Portal) -> Iterator[str]:
    """The portal's address."""
    server = uvicorn.Server(
        uvicorn.Config(create_app(portal), port=0, log_config=None, lifespan="off")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        host, port = server.servers[0].sockets[0].getsockname()[:2]
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()


def enter(served: str, name: str) -> Client:
    return Client(served, name=name, password=PASSWORD)


def test_a_leaf_from_candidates_to_gold(served: str, leaf: str) -> None:
    with enter(served, "lena") as lena, enter(served, "otto") as otto:
        session = lena.session()
        assert (session.person.name, session.person.roles) == ("lena", ["labeler"])
        assert session.project.products == 120
        assert leaf in {node.id for node in lena.tree() if node.leaf}
        assert lena.take_lease(leaf).holder == "lena"
        assert leaf not in lena.progress().leaves
        offers = lena.queue("label")
        assert offers
        shown = lena.candidates(leaf, source="random", count=12)
        answers = [
            lena.label(one, leaf, verdict="positive" if place < 6 else "negative", seconds=1.0)
            for place, one in enumerate(shown)
        ]
        lena.undo(answers[0])
        page = otto.audit_page(leaf, count=50)
        for card in page:
            positive = card.product in {answer.product for answer in answers[1:6]}
            otto.audit(card.product, leaf, verdict="positive" if positive else "negative")
        gold = {product.product for product in lena.leaf_products(leaf, kind="positives")}
        assert gold == {answer.product for answer in answers[1:6]}
        detail = lena.leaf(leaf)
        assert detail.progress is not None
        assert (detail.progress.gold, detail.leaf) == (5, True)
        assert lena.progress().leaves[leaf].decisions == 12 + len(page)
        lena.release_lease(leaf)


def test_answers_sent_again_are_known(served: str, leaf: str) -> None:
    with enter(served, "lena") as lena:
        product = lena.candidates(leaf, source="random", count=1)[0].product
        answer = Answer(product=product, leaf=leaf, role="label", verdict="positive")
        first, again = lena.decide([answer]), lena.decide([answer])
    assert [one.results[0].status for one in (first, again)] == ["recorded", "known"]
    assert first.progress == again.progress


def test_products_and_their_pictures(served: str, leaf: str) -> None:
    with enter(served, "lena") as lena:
        cards = lena.products([one.product for one in lena.candidates(leaf, source="random")])
        card = next(one for one in cards if one.thumbnail)
        product = lena.product(card.product)
        assert product.fields["title"]
        assert product.images
        assert (
            lena.image(card.product)[8:12] == b"WEBP" or lena.image(card.product)[:2] == b"\xff\xd8"
        )


def test_refusals_say_why(served: str, leaf: str) -> None:
    with enter(served, "lena") as lena:
        with pytest.raises(NotFound, match="nothing/here"):
            lena.leaf("nothing/here")
        with pytest.raises(NotAllowed, match="lena is labeler"):
            lena.audit_page(leaf)
        product = lena.candidates(leaf, source="random", count=1)[0].product
        lena.label(product, leaf, verdict="positive")
        with pytest.raises(Conflict, match="has a label already"):
            lena.label(product, leaf, verdict="negative")
    wrong = Client(served, name="lena", password="wrong words here")
    with wrong as stranger, pytest.raises(NotSignedIn):
        stranger.session()


def test_an_api_key_is_a_way_in(served: str, portal: Portal, leaf: str) -> None:
    doors = Doors.open(portal.database)
    secret, _ = doors.keys.add(doors.people.get("lena"), label="script", scopes=["read"])
    with Client(served, key=secret) as reader:
        assert reader.session().person.name == "lena"
        with pytest.raises(NotAllowed, match="scope annotate"):
            reader.label("p", leaf, verdict="positive")
    with Client(served, key="pn_no_such") as stranger, pytest.raises(NotSignedIn, match="API key"):
        stranger.session()


def test_an_admin_starts_work_and_has_others_told(served: str, leaf: str) -> None:
    with enter(served, "root") as root:
        hook = root.add_webhook("https://shop.example/hook", ["release.made"])
        assert hook.secret and hook.secret.startswith("whsec_")
        assert root.change_webhook(hook.id, active=False).active is False
        (listed,) = root.webhooks()
        assert (listed.id, listed.secret) == (hook.id, None)
        assert list(root.deliveries(hook.id)) == []
        root.delete_webhook(hook.id)
        assert root.webhooks() == []
        assert [one.kind for one in root.activity(person="root")][:2] == [
            "webhook.deleted",
            "webhook.changed",
        ]
        assert (root.rounds(), root.releases()) == ([], [])
        job = root.start_release("1.0.0")
        assert (job.kind, job.person) == ("release", "root")
        with pytest.raises(ClientError, match="no gold to release yet"):
            root.wait(job, every=0.2)
        assert list(root.recommended_products(leaf)) == []


def test_what_differs_is_settled_by_a_third(served: str, leaf: str) -> None:
    with enter(served, "lena") as lena, enter(served, "otto") as otto, enter(served, "ada") as ada:
        product = lena.candidates(leaf, source="random", count=1)[0].product
        lena.label(product, leaf, verdict="positive", note="a mug")
        otto.audit(product, leaf, verdict="negative")
        (dispute,) = ada.disputes()
        assert (dispute.product.product, dispute.leaf) == (product, leaf)
        assert {(said.person, said.note) for said in dispute.answers} == {
            ("lena", "a mug"),
            ("otto", None),
        }
        ada.adjudicate(product, leaf, verdict="positive")
        assert list(ada.disputes(leaf)) == []
        progress = ada.leaf(leaf).progress
        assert progress is not None
        assert progress.gold == 1
