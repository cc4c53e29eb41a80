"""The rules, without a wire: pure functions, and the steps over stores in memory. No network but
servers of a test itself, no emulator, no waiting; a file takes a second or two."""
