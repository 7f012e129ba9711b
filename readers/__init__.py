"""The read side of Daycount: counters to answers, over HTTP, on the command line and on a page. Knows no Beam."""
