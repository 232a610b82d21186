// The table of schedules: what it says of each kind is what the class does.
#include <doctest/doctest.h>

#include <set>
#include <string>

#include "cairn/base/error.h"
#include "cairn/optim/schedule.h"

using namespace cairn;

TEST_CASE("schedules: every kind of the table is one, and reads the parameters that the table names") {
  const auto factors = [](const ScheduleParams& p) {
    std::vector<double> all;
    const Schedule schedule(p);
    for (std::int64_t t = 0; t < 40; ++t) all.push_back(schedule.factor(t));
    return all;
  };
  std::set<std::string> names;
  for (const ScheduleEntry& e : schedules()) {
    CAPTURE(e.name);
    CHECK(names.insert(e.name).second);
    if (e.by_loss) {
      CHECK_THROWS_AS(Schedule({.kind = e.name, .total = 40}), ParamError);
      continue;
    }
    const ScheduleParams usual{.kind = e.name, .total = 40, .every = 5};
    for (const Param& p : ScheduleParams::list()) {
      if (p.name == "kind" || p.name == "unit" || p.name == "warm_up") continue;
      ScheduleParams other = usual;
      p.set(&other, p.type == ParamType::integer ? ParamValue(std::int64_t{7}) : ParamValue(0.7));
      const std::string uses = std::string(", ") + e.uses + ",";
      const bool named = uses.find(" " + p.name + ",") != std::string::npos;
      CAPTURE(p.name);
      CHECK((factors(other) != factors(usual)) == named);
    }
  }
  CHECK(names.contains("plateau"));
}
