#!/bin/sh
# The manual is clean mdoc.
set -u
exec mandoc -T lint -W warning neurond.8
