/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The store of a replay: nothing is kept; of every save it says what came of
 * it in the run that was recorded, so that a full disk is repeated as well.
 */
#ifndef VD_REPLAY_STORE_RECORDED_H
#define VD_REPLAY_STORE_RECORDED_H

#include "core/drive.h"

/* A save as the recording has it: with a receipt, or without. */
bool vd_recorded_save(bool saved, struct vd_receipt *receipt, struct vd_err *err) VD_MUSTCHECK;

#endif
