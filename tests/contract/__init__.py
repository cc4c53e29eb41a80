"""One suite for every port, over the store in memory and over the adapter at an emulator: what the
unit tests build on is what AWS does. Also the HTTPS adapter, against servers that misbehave."""
