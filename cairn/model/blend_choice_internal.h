// Whether a blend of what was measured is better than the best of it: part of select_learner().
#pragma once

#include "cairn/model/selection.h"

namespace cairn {

// Tries a blend of the candidates, which are sorted, and puts it before them when it is better; says in
// selection.blend what came of it. `seconds_left`: for fits; infinite without a limit.
void try_blend(Selection& selection, const SelectionOptions& options, const Dataset& data,
               double seconds_left);

}  // namespace cairn
