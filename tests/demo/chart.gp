# SPDX-License-Identifier: GPL-2.0-or-later
# Entries over time of both runs: in the terminal, and as a picture.
# Variables: folder, limit, columns, rows.
k = 1000.0
set datafile separator "\t"
set xlabel "seconds"
set xrange [0:*]
# Below zero, so that a curve near it does not hide in the axis.
set yrange [-limit*0.06/k:limit*1.1/k]
set ytics 0,limit/5/k nomirror
set xtics nomirror
set format y "%.0f k"
set key outside bottom center horizontal

set terminal dumb size columns,rows noenhanced
set title sprintf("entries over time; the table holds %d", limit)
plot limit/k with lines title "limit", \
     folder."/without.tsv" using 1:($2/k) with lines title "without ctguard", \
     folder."/with.tsv" using 1:($2/k) with lines title "with ctguard"

set terminal svg size 900,480 font "sans-serif,13" background "white"
set output folder."/report.svg"
set title "conntrack entries over time: the same flood, without and with ctguard"
set ylabel "entries"
set grid ytics lc rgb "#dddddd"
plot limit/k with lines lw 1.5 dt 2 lc rgb "#444444" title sprintf("limit (%d)", limit), \
     folder."/without.tsv" using 1:($2/k) with lines lw 2.5 lc rgb "#c0392b" title "without ctguard", \
     folder."/with.tsv" using 1:($2/k) with lines lw 2.5 lc rgb "#1f77b4" title "with ctguard"
