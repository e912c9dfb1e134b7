from policies.structures import Graph, Node
from policies.types import Candidate


def step(text: str, *, ended: bool = False) -> Candidate:
    return Candidate(text, ended=ended)


def test_a_chain_leads_from_a_node_to_the_root() -> None:
    graph = Graph()
    first, _ = graph.add(graph.root, step("a"))
    second, _ = graph.add(first, step("ab", ended=True), "finish")
    assert list(second.chain()) == [second, first, graph.root]
    assert [node.depth for node in (graph.root, first, second)] == [0, 1, 2]
    assert [node.ended for node in (graph.root, first, second)] == [False, False, True]
    assert second.action == "finish"


def test_the_same_text_is_the_same_node_whichever_way_led_there() -> None:
    graph = Graph()
    first, is_new = graph.add(graph.root, step("a"))
    below, _ = graph.add(first, step("ab"))
    again, is_again_new = graph.add(graph.root, step("ab"))
    assert (is_new, is_again_new) == (True, False)
    assert again is below
    assert graph.root.children == [first]
    assert len(graph) == 3
    assert list(graph) == [graph.root, first, below]


def test_scores_along_a_chain_leave_out_what_was_not_judged() -> None:
    graph = Graph()
    first, _ = graph.add(graph.root, step("a"))
    second, _ = graph.add(first, step("ab"))
    third, _ = graph.add(second, step("abc"))
    first.score, third.score = 0.9, 0.4
    assert third.step_scores == [0.9, 0.4]


def test_nodes_are_told_apart_by_themselves_and_not_by_their_text() -> None:
    assert Node("a") != Node("a")
    assert len({Node("a"), Node("a")}) == 2
