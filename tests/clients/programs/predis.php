<?php
// SPDX-License-Identifier: BSD-3-Clause
// Writes by Predis. Before its version 2 it has no password for sentinels (and no other way in).

require 'Predis/Autoloader.php';
Predis\Autoloader::register();

$sentinels = array_map(fn($one) => "tcp://$one?timeout=1", explode(',', getenv('SENTINELS')));
$options = ['replication' => 'sentinel', 'service' => getenv('GROUP')];
if (getenv('PASSWORD') !== '') {
    $options['parameters'] = ['password' => getenv('PASSWORD')];
}
$client = new Predis\Client($sentinels, $options);

echo 'version ', Predis\Client::VERSION, "\n";
for ($n = 0; ; $n++) {
    try {
        $client->set("client:$n", $n);
        echo "ok $n\n";
    } catch (Predis\PredisException $error) {
        echo 'err ', strtok($error->getMessage(), "\n"), "\n";
        $client->disconnect();
    }
    usleep(5000);
}
