"""Champion and challenger on the same rows; one comparison a file.

Rows are counted, not weighted: the laws behind the tests are those of counts.
"""
