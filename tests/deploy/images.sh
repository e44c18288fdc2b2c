#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Builds the images of packaging/railway for real, looks at them, and runs the six services from them:
# the stories of test_namespaces.py by Podman, and packaging/compose.yaml by podman-compose.
#
#   sh tests/deploy/images.sh [pytest's arguments]
#
# No image registry is asked: what the Dockerfiles begin with is made of Debian's packages, from the
# archive that this machine uses. All that engines keep stays in a directory that goes at the end; what
# runs, runs in a network of its own. VEDETTE_STORE=DIRECTORY is not deleted, and makes the next time quick.
#
# It needs root and what `packaging/install-deps.sh --images` installs, takes some minutes, and ends with
# 77 (skipped) where it cannot work.

set -eu
unset CDPATH
cd "$(dirname "$0")/../.."

. tests/deploy/engine.sh

# The image that the Dockerfiles name, as it is published: a minimal Debian without documents.
base=$(sed -n 's/^FROM \([^ ]*\)$/\1/p' packaging/railway/vedette/Dockerfile)
suite=${base#debian:}
make_base "docker.io/library/$base" "${suite%-slim}" --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*'
for kind in vedette redis; do
    name=vedette
    [ $kind = vedette ] || name=vedette-$kind
    quietly "packaging/railway/$kind/Dockerfile is built" buildah build --layers --isolation chroot --network host --pull=never \
        -f packaging/railway/$kind/Dockerfile -t "$name" .
done

say "images are looked at, and run"
VEDETTE_IMAGES=yes sh tests/deploy/run.sh --ignore tests/deploy/test_files.py --ignore tests/deploy/test_loopback.py "$@"
