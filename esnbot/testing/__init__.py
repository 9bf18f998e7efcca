"""The test kit: real servers, a clock that tests move, people who talk."""
