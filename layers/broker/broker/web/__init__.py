"""What API Gateway and browsers see: requests, bodies, representations, links, pages, letters.

    gateway          API Gateway's events in, its answers out; the JSON edge's `guard`
    browser          the same for pages and redirects
    fields, readers  every field an operator sends: how it is read, and its JSON Schema
    bodies           whole bodies and queries, made of fields
    representation   a connection as operators see it
    audit            what an action changed, for the audit log
    links            tickets, cookies, states; whether a link is replaced or finished
                     (whether it has expired: `steps.authorize`)
    invitation       a fresh pair of links
    outcomes         how an attempt in a browser ended
    returning        who came back from the identity provider
    reloads          what a browser sees that comes back
    pages/           HTML, and the headers it is sent with (`layout.headers`)
    letters/         mails, and what chats and webhooks are told

Nothing here decides about a connection: that is `lifecycle`, which knows nothing of HTTP.
"""
