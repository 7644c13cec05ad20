"""How well sensord measures, against every truth there is: the rooms of `sensord validate`.

`rows.Row` is one line of the table, `statistics` how errors are counted, `datasets` reads the recordings, the other
modules each make the rows of one section. Nothing here is needed to follow a runner.
"""
