/* SPDX-License-Identifier: BSD-3-Clause */
/* The store of a replay: see store_recorded.h. */
#include "replay/store_recorded.h"

bool vd_recorded_save(bool saved, struct vd_receipt *receipt, struct vd_err *err)
{
    if (!saved)
        return vd_err_set(err, "the save failed when it was recorded");
    receipt->durable = true;
    return true;
}
