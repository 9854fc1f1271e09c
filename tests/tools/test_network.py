"""What is left behind by the network, and what is not ours to remove."""

import network


def test_only_results_of_our_pods_are_removed(tmp_path):
    ours = ["kgateway-pods-a1-eth0", "cni-loopback-a1-lo"]
    others = ["bridge-b2-eth0", "cni-loopback-b2-lo"]
    for name in ours + others:
        (tmp_path / name).touch()
    network.remove_cni_results(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == others
