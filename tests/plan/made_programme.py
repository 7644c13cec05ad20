"""A plan that uses every block of the format."""

from __future__ import annotations

EVERYTHING = """\
schema = "rtr-plan/1"
id = "everything"
title = "Every block"
kind = "local"
evidence = "expert"

[[source]]
who = "made up"
url = "https://example.org"

[runner]
alias = "r-1"
injured_side = "left"
injury = "acl"
site = "knee"
goal = "run 10 km"
injury_date = 2026-01-02
surgery_date = 2026-03-02
pre_injury = {weekly = "40km", longest = "14km", cadence_spm = 162}
decides = "therapist"
timezone = "Europe/Berlin"
mass_kg = 62

[readiness]
need = 10
retest_after = "2wk"
item = [
  {id = "walk", kind = "walk", min = "30min", max_pain = 0, gait = "normal", source = "a"},
  {id = "calf", kind = "reps", what = "heel raise", each_side = true, min = 25, tempo_bpm = 60, max_pain = 0},
  {id = "plank", kind = "hold_time", what = "plank", min = "60s"},
  {id = "hop", kind = "lsi", what = "single-leg hop", min_pct = 70},
  {id = "pain", kind = "nrs", what = "in daily life", max = 2, strictly_below = true},
  {id = "fluid", kind = "grade", what = "effusion", scale = ["zero", "trace", "1+"], max = "trace"},
  {id = "time", kind = "weeks_since", ref = "surgery_date", min = 12},
  {id = "days", kind = "pain_free_days", min = 10},
  {id = "ikdc", kind = "score", what = "IKDC", min = 63.7, max = 100},
  {id = "tick", kind = "clinician", text = "cleared"},
]

[placement]
test = "6 mph until it hurts"
stop_when = "pain 2 of 10"
map = [{below = "0.5mi", stage = "1"}, {stage = "2"}]
source = "a"

[schedule]
min_gap = "2d"
max_sessions_7d = 4
max_stage_steps_7d = 2
max_consecutive_days = 1
surface = ["treadmill"]
no = ["hills", "speed"]
cross_training = {allowed = ["bike", "pool"], on = "days without a run", minutes = [30, 60], max_rpe = 4}
hint = "shorter and more often"
source = "a"

[advance]
successes = 2
consecutive = true
min_days = 3
complete_pct = 95
when = ["pain.during == 0", "pain.next_morning_change <= 0", "run_time >= 5min"]
source = "a"

[[stage]]
id = "1"
title = "Walk and run"
session = [
  {do = "3-6x(walk 4min, run 1min)", success_reps = 6, days = ["mon", "wed"], total = "30min"},
  {do = "?x(walk 3min, run 1min)", repeats = 5, days = ["fri"], total = "20min"},
]
surface = ["treadmill", "grass"]
allow = ["hills"]
advance = {successes = 3, consecutive = false, min_days = 7, complete_pct = 100, when = ["pain.during <= 1"]}

[[stage]]
id = "2"
kind = "cycle"
session = [{do = "run 10min"}, {do = "run 0.5mi, walk 0.5mi", total = "1mi"}]

[[stage]]
id = "3"
session = [{do = "run 12min", when_day = 1}, {do = "run 15min", when_day = 2}]

[[stage]]
id = "4"
kind = "increment"
increment = {start = "1mi", by = "0.25mi", until = "3mi", pattern = [1.0, 0.5, 0.75]}

[[stage]]
id = "5"
kind = "calendar"
calendar = {unit = "min", pace = "8:00-9:00/mi", days = [[30, 0, 30, 0, 30, 0, 35], [0, 30, 0, 30, 0, 35, 0]]}

[[stage]]
id = "6"
kind = "volume"
unlock = [{at_pct = 50, allow = ["speed"]}]
[stage.weekly]
start = "observed"
growth_pct = [10, 30]
until = "100% pre_injury.weekly"
longest = "80% pre_injury.longest"

[[rule]]
id = "pain"
when = ["pain.during >= 1", "gait_altered == false"]
within = "14d"
text = "Stop running."
source = "local"

[rule.then]
step = -1
rest_days = 2
rest = "until pain 0 in daily life"
end_session = true
hold = "therapist"
alert = "stop"

[[recovery]]
id = "hard"
when = ["rpe >= 5"]
min_gap = "72h"
source = "local"

[[ask]]
when = "before"
fields = ["pain.before"]

[[ask]]
when = "after"
fields = ["pain.during", "limp", "rpe", "symptom.numbness"]

[[ask]]
when = "next_morning"
at = "07:00"
fields = ["pain.next_morning"]

[[ask]]
when = "daily"
at = "19:00"
fields = ["pain.daily"]

[[exercise]]
id = "raise"
name = "heel raise"
kind = "strength"
sets = 3
reps = 15
hold = "5s"
load = "body weight"
days = ["mon", "thu"]
side = "left"
from_stage = "2"
source = "local"

[limit.run_time]
of = "stage"
stop_pct = 110
source = "local"
from_stage = "1"

[limit.session_spike]
warn_pct = 110
source = "a"
from_stage = "5"

[impact]
metric = "peak_accel"
mount = "laces"
baseline = {mode = "sessions", n = 3}
warn_pct = 115
source = "local"

[asymmetry.contact_time]
formula = "si_signed"
baseline = {mode = "fixed", value = 0.0}
warn = 5.0
source = "local"

[cadence]
target_pct = [105, 110]
alert = "info"

[contact_time]
info_pct = 5

[load]
intensity = "force_peak"
edges = [2.0, 2.5]
exponent = 4
exponent_source = "made up"

[alerts]
contact = "Call the clinic"
quiet = ["22:00", "07:00"]

[alerts.info]
who = []

[alerts.warn]
who = ["therapist"]
repeat = "10min"
retain = false

[alerts.stop]
who = ["therapist", "coach"]
retain = true

[alerts.urgent]
who = ["therapist"]

[evaluation]
date = 2026-05-01
history = ["ankle sprain 2024"]
goals = ["10 km"]

[[evaluation.test]]
what = "single-leg hop"
value = 98
unit = "cm"
side = "left"
date = 2026-05-01

[[evaluation.gait]]
date = 2026-05-02
run = "01J0000000000000000000000"
video = "https://clinic.example/v/1"
text = "crosses the midline"

[[note]]
date = 2026-05-03
kind = "manual_therapy"
text = "calf"
"""

LADDER = """\
[[stage]]
id = "1"
session = [{do = "5x(walk 4min, run 1min)"}]
[[stage]]
id = "2"
session = [{do = "run 20min"}]
"""
