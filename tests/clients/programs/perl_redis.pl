# SPDX-License-Identifier: BSD-3-Clause
# Writes by Perl's Redis.
use strict;
use warnings;
use Redis;
use Time::HiRes qw(usleep);

$| = 1;
print "version $Redis::VERSION\n";
my @secrets = (
    $ENV{SENTINEL_PASSWORD} ? (sentinels_password => $ENV{SENTINEL_PASSWORD}) : (),
    $ENV{PASSWORD}          ? (password           => $ENV{PASSWORD})          : (),
);
my $redis;
for (my $n = 0;; $n++) {
    my $done = eval {
        $redis ||= Redis->new(
            sentinels => [split /,/, $ENV{SENTINELS}],
            service   => $ENV{GROUP},
            reconnect => 1,
            every     => 10_000,
            @secrets
        );
        $redis->set("client:$n", $n);
    };
    if ($done) {
        print "ok $n\n";
    }
    else {
        print 'err ', (split /\n/, $@)[0], "\n";
        undef $redis;
    }
    usleep(5000);
}
