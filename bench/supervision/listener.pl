#!/usr/bin/perl
# An event listener of supervisord (its protocol: READY, header, payload, RESULT): reports each change of state to the
# benchmark as soon as supervisord knows it.
use strict;
use warnings;
use IO::Socket::UNIX;

my $report = IO::Socket::UNIX->new($ARGV[0]) or die "$ARGV[0]: $!";
$report->autoflush(1);
$| = 1;
print "READY\n";
while (my $header = <STDIN>) {
  my ($event) = $header =~ /eventname:(\w+)/;
  my ($length) = $header =~ /len:(\d+)/;
  read STDIN, my $payload, $length;
  my ($name) = $payload =~ /processname:(\S+)/;
  print $report "$event $name 0\n" if $event && $name;
  print "RESULT 2\nOKREADY\n";
}
