#!/usr/bin/perl
# One of three services that depend on one another. Reports to the benchmark over a Unix socket when it runs and when it
# serves.
#   service.pl NAME EVENTS PORT START_MS [UPSTREAM_PORT]
# Without its upstream it cannot start, and when it loses it, it exits, as a backend without its database. While the
# file EVENTS.broken exists, it crashes at boot with 7. Perl, because it is on every Debian and starts in milliseconds.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Time::HiRes 'sleep';

my ($name, $events, $port, $start, $upstream) = @ARGV;
my $report = IO::Socket::UNIX->new($events) or die "$events: $!";
$report->autoflush(1);
print $report "running $name $$\n";
exit 7 if -e "$events.broken";
my $base;
if ($upstream) {
  $base = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $upstream) or exit 1;
}
sleep $start / 1000;
my $door = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 16, ReuseAddr => 1)
  or die "port $port: $!";
print $report "serving $name $$\n";
my %guests;
my $all = IO::Select->new($door, $base ? $base : ());
while (my @able = $all->can_read) {
  for my $one (@able) {
    if ($one == $door) {
      my $guest = $door->accept or next;
      $guests{$guest} = $guest;
      $all->add($guest);
      next;
    }
    next if sysread $one, my $words, 4096;
    exit 1 if $base && $one == $base;
    $all->remove($one);
    delete $guests{$one};
  }
}
