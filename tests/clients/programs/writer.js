// SPDX-License-Identifier: BSD-3-Clause
// What the Node.js programs share: see README.md for what a client's program does.
exports.settings = () => ({
    sentinels: process.env.SENTINELS.split(',').map((one) => {
        const [host, port] = one.split(':');
        return { host, port: Number(port) };
    }),
    group: process.env.GROUP,
    sentinelPassword: process.env.SENTINEL_PASSWORD || undefined,
    password: process.env.PASSWORD || undefined,
});

exports.write = async (module_name, set) => {
    console.log(`version ${require(`${module_name}/package.json`).version}`);
    for (let n = 0; ; n++) {
        try {
            await set(`client:${n}`, String(n));
            console.log(`ok ${n}`);
        } catch (error) {
            console.log(`err ${error.message}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 5));
    }
};
