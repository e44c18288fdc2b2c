// SPDX-License-Identifier: BSD-3-Clause
// Writes by node-redis. argv: the module.
const { settings, write } = require('./writer.js');

const module_name = process.argv[2];
const { createSentinel } = require(module_name);
const { sentinels, group, sentinelPassword, password } = settings();

const client = createSentinel({
    name: group,
    sentinelRootNodes: sentinels,
    sentinelClientOptions: { password: sentinelPassword },
    nodeClientOptions: { password },
});
client.on('error', () => {});
client.connect().then(() => write(module_name, (key, value) => client.set(key, value)));
