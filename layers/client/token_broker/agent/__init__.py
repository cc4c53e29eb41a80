"""A local endpoint for tokens: programs in any language, without a line changed.

Azure SDKs ask the endpoint named by IDENTITY_ENDPOINT and IDENTITY_HEADER for the tokens of a
managed identity. This one answers with tokens of the broker's connections.

request     what arrives, as plain values
guard       who may ask at all
appservice  Azure App Service's protocol 2019-08-01
imds        the instance metadata service's, 2018-02-01
direct      the broker's own token route
answers     JSON answers and what they have in common
choice      which connection and which scopes a question means
tokens      one cache for the whole host
app         the ASGI application that joins these
server      uvicorn around it: bounded connections, slow clients, a graceful end
journal     what is logged, field by field
secret      the header's value: random, from a file, from the environment
settings    a file and flags, checked
environment the variables a program is started with
child       the program itself: start, signals, exit code
service     all of it put together: beside one program, or for a host

request to choice, and environment, are pure. The commands are the operator's room's, and import
this one. Needs the extra `agent`; neither a job nor the Lambda layer has this room.
"""
