/* SPDX-License-Identifier: BSD-3-Clause */
/* vedettectl: looks at vedettes and steers them from a command line; all of it is in ctl/. */
#include "ctl/ctl.h"

int main(int argc, char **argv)
{
    return vd_ctl_main(argc, argv);
}
