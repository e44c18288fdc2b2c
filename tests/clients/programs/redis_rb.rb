# SPDX-License-Identifier: BSD-3-Clause
# Writes by redis-rb.
require 'redis'

secret = ENV['SENTINEL_PASSWORD'].empty? ? {} : { password: ENV['SENTINEL_PASSWORD'] }
sentinels = ENV['SENTINELS'].split(',').map do |one|
  host, port = one.split(':')
  { host: host, port: port.to_i }.merge(secret)
end
options = { sentinels: sentinels, role: :master, timeout: 1.0 }
options[:password] = ENV['PASSWORD'] unless ENV['PASSWORD'].empty?
client = Redis.new(url: "redis://#{ENV['GROUP']}", **options)

$stdout.sync = true
puts "version #{Redis::VERSION}"
(0..).each do |n|
  begin
    client.set("client:#{n}", n)
    puts "ok #{n}"
  rescue Redis::BaseError => e
    puts "err #{e.message}"
    client.close
  end
  sleep 0.005
end
