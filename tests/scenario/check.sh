#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Runs every scenario and compares with its transcript. Called in the build directory by make check.

exec tests/sim/sim --scenario "${srcdir:-.}"/tests/scenario/*.vt
