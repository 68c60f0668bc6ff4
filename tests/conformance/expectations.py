"""What is known beforehand, each with its reason: scenarios left out, and checks that the gateway does not meet."""

PERSON = "a gateway has nobody to ask, and must not accept in a person's name"
EXTENSION = "an extension that mcpo does not offer"

LEFT_OUT = {
    "elicitation-sep1034-client-defaults": PERSON,
    "auth/dpop": EXTENSION,
    "auth/dpop-nonce": EXTENSION,
    "auth/enterprise-managed-authorization": EXTENSION,
    "auth/wif-jwt-bearer": EXTENSION,
    "sep-2640-client-no-prefetch": EXTENSION,
    "sep-2640-client-verify-digest": EXTENSION,
    "sep-2640-client-verify-size": EXTENSION,
    "sep-2640-client-verify-frontmatter": EXTENSION,
}

#: By scenario and version: the checks, and why.
NOT_MET = {
    ("json-schema-2020-12-preservation", "2026-07-28"): {
        "sep-2106-client-anchor-keyword-preserved": "documents hold one form of every schema, in which an anchor is a"
        " definition like any other and what names it refers to that"
    }
}
