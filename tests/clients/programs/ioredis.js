// SPDX-License-Identifier: BSD-3-Clause
// Writes by ioredis, or iovalkey, which has the same interface. argv: the module.
const { settings, write } = require('./writer.js');

const module_name = process.argv[2];
const Redis = require(module_name);
const { sentinels, group, sentinelPassword, password } = settings();

const client = new Redis({ sentinels, name: group, sentinelPassword, password });
client.on('error', () => {});
write(module_name, (key, value) => client.set(key, value));
