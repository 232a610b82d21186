// What the labs of the courses' second part try on one network, each alone, and what they print of it: the
// labs' own recipes and the one that puts all together read the same lists.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "recipes/one_network.h"

namespace cairn::recipes {

struct Way {
  const char* name;
  OneNetworkOptions options;
  std::uint32_t passes, every;     // of the lab; between two printed costs
  std::vector<const char*> costs;  // of passes 0, every, 2 every, ...; null where the lab prints none
  const char* train;               // accuracy after all passes on the training points, a share
  const char* unseen = nullptr;    // the same on unseen points
  const char* half = nullptr;      // on the training points after half of the passes
};

Way he_on_circles();                   // D2W1-A1: He's rule
std::vector<Way> ways_on_the_field();  // D2W1-A2: nothing, a penalty, dropout
std::vector<Way> ways_on_moons();      // D2W2-A1: batches of 64 by descent, momentum and Adam

// Where on a field of football a ball was headed by a player of the one team or of the other.
struct Field {
  Planar train, unseen;
};
Field read_field(const DataFolder& data);

// The printed ones among the costs of passes 0, way.every, 2 way.every, ...
void check_costs(Outcome& o, const std::string& name, const Way& way, const std::vector<double>& costs);

}  // namespace cairn::recipes
