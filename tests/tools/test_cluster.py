"""What `up` and `down` may touch, and how CoreDNS is configured."""

import cluster
import components
import layout
import pytest
from layout import ClusterError, Layout


def test_a_new_folder_is_claimed_once(tmp_path):
    place = Layout(tmp_path / "state")
    cluster.claim(place)
    (place.state / "etcd").mkdir()
    cluster.claim(place)
    assert place.marker.exists()


def test_a_folder_with_other_things_is_refused(tmp_path):
    (tmp_path / "letters").touch()
    with pytest.raises(ClusterError, match="other things"):
        cluster.claim(Layout(tmp_path))


def test_down_leaves_a_folder_alone_that_no_cluster_claimed(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "OWNER", tmp_path / "no-owner")
    monkeypatch.setattr(cluster, "clean", lambda place: pytest.fail("cleaned"))
    with pytest.raises(ClusterError, match="no cluster"):
        cluster.down(Layout(tmp_path))


def test_down_leaves_another_cluster_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "OWNER", tmp_path / "owner")
    (tmp_path / "owner").write_text("/elsewhere")
    monkeypatch.setattr(cluster, "clean", lambda place: pytest.fail("cleaned"))
    place = Layout(tmp_path / "state")
    cluster.claim(place)
    with pytest.raises(ClusterError, match="/elsewhere"):
        cluster.down(place)


def test_the_addresses_in_the_manifest_are_those_of_the_layout():
    text = (layout.HERE / "manifests/dns.yaml").read_text()
    assert f"clusterIP: {layout.DNS_SERVICE}\n" in text
    assert text.count("FORWARD\n") == 1


@pytest.mark.parametrize("text, expected", [
    ("nameserver 192.0.2.9\nsearch example.org\n# nameserver 192.0.2.8\n", ["192.0.2.9"]),
    ("nameserver 127.0.0.53\n", []),  # a pod would ask itself
    ("", []),
])
def test_only_name_servers_that_a_pod_can_reach_are_used(tmp_path, text, expected):
    file = tmp_path / "resolv.conf"
    file.write_text(text)
    assert components.nameservers((file,)) == expected
    assert components.nameservers((tmp_path / "absent", file)) == expected


@pytest.fixture
def owner(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "OWNER", tmp_path / "owner")
    return tmp_path / "owner"


def test_another_kubernetes_is_not_disturbed(tmp_path, owner, monkeypatch):
    monkeypatch.setattr(cluster.network, "kube_proxy_rules", lambda: True)
    with pytest.raises(ClusterError, match="another Kubernetes"):
        cluster.check_alone(Layout(tmp_path))
    owner.write_text(str(tmp_path))  # then the rules are what a crash of ours left
    cluster.check_alone(Layout(tmp_path))


@pytest.mark.parametrize("alive, refused", [(["etcd"], True), ([], False)])
def test_one_cluster_per_machine(tmp_path, owner, monkeypatch, alive, refused):
    owner.write_text("/elsewhere")
    monkeypatch.setattr(cluster, "running", lambda place: alive)
    if refused:
        with pytest.raises(ClusterError, match="/elsewhere"):
            cluster.check_alone(Layout(tmp_path))
    else:
        cluster.check_alone(Layout(tmp_path))
