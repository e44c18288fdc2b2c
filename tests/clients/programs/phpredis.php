<?php
// SPDX-License-Identifier: BSD-3-Clause
// Writes by phpredis, whose RedisSentinel tells the address and no more: the program reconnects.

function connect_primary(): Redis
{
    foreach (explode(',', getenv('SENTINELS')) as $one) {
        [$host, $port] = explode(':', $one);
        try {
            $arguments = [$host, (int)$port, 1.0, null, 0, 1.0];
            if (getenv('SENTINEL_PASSWORD') !== '') {
                $arguments[] = getenv('SENTINEL_PASSWORD');
            }
            $address = (new RedisSentinel(...$arguments))->getMasterAddrByName(getenv('GROUP'));
        } catch (RedisException $error) {
            continue;
        }
        if ($address) {
            $redis = new Redis();
            $redis->connect($address[0], (int)$address[1], 1.0, null, 0, 1.0);
            if (getenv('PASSWORD') !== '') {
                $redis->auth(getenv('PASSWORD'));
            }
            return $redis;
        }
    }
    throw new RedisException('no sentinel knows the primary');
}

echo 'version ', phpversion('redis'), "\n";
$redis = null;
for ($n = 0; ; $n++) {
    try {
        $redis = $redis ?? connect_primary();
        if (!$redis->set("client:$n", $n)) {
            throw new RedisException($redis->getLastError());
        }
        echo "ok $n\n";
    } catch (RedisException $error) {
        echo 'err ', $error->getMessage(), "\n";
        $redis = null;
    }
    usleep(5000);
}
