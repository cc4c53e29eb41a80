"""The routes beside App Service's: the broker's own, and the metadata service's if it is wanted."""

from __future__ import annotations

from tests.client.fake import Broker, problem

from .serving import ADS, Served, serving


def test_the_brokers_own_answer(agent: Served, fake: Broker) -> None:
    reply = agent.get("/connections/ads-jp/token?min_ttl=1800&scope=User.Read")
    assert reply.status == 200
    assert reply.body["parameters"] == {"developer_token": "canary-developer", "customer_id": "7"}
    names = {"access_token", "token_type", "expires_in", "scope", "connection", "expires_at"}
    assert set(reply.body) == names | {"parameters"}
    assert fake.asked[0].query == {"scope": "User.Read", "min_ttl": "1800"}
    assert agent.get("/connections/ads-jp/token?min_ttl=9999").status == 400
    assert agent.get("/connections/ads-jp/token?min_ttl=-1").status == 400
    assert agent.get("/connections/..%2Fx/token").status == 400


def test_the_brokers_own_problem(agent: Served, fake: Broker) -> None:
    provider = {"error": "invalid_grant", "error_codes": [50173], "trace_id": "t"}
    fake.script.append(problem("reauthorization_required", 409, provider=provider))
    reply = agent.get("/connections/ads-jp/token")
    assert reply.status == 409
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.body["code"] == "reauthorization_required"
    assert reply.body["provider"]["error_codes"] == [50173]
    assert {"type", "title", "status", "detail", "actor", "remedy"} <= set(reply.body)


def test_imds_only_where_it_is_asked_for(fake: Broker, agent: Served) -> None:
    path = f"/metadata/identity/oauth2/token?api-version=2018-02-01&resource={ADS}&client_id=c"
    assert agent.get(path, {"Metadata": "true"}).status == 404
    with serving(fake.url, metadata=True) as metadata:
        for spelt in (path, path.replace("token?", "token/?")):
            reply = metadata.get(spelt, {"X-IDENTITY-HEADER": "", "Metadata": "true"})
            assert reply.status == 200
            fields = [*reply.body]
            assert fields.index("expires_in") < fields.index("expires_on")
            assert all(isinstance(value, str) for value in reply.body.values())
        assert metadata.get(path).status == 403
        assert metadata.get(path, {"Metadata": "true", "X-Forwarded-For": "1.2.3.4"}).status == 403
        bad = metadata.get(path + "&msi_res_id=x", {"Metadata": "true"})
        assert (bad.status, bad.body["error"]) == (400, "invalid_request")
        assert "exclude" in bad.body["error_description"]
