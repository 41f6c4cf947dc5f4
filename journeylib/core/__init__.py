"""What every room needs: errors, estimates, progress, words."""

from journeylib.core.catalogue.catalogue import (
    LANGUAGE,
    Catalogue,
    abstain_text,
    bounds_text,
    catalogue_of,
    cell_text,
    current_catalogue,
    duration,
    estimate_text,
    label,
    languages,
    number,
    percent,
    signed,
    text,
    use_language,
)
from journeylib.core.described import ONE_OR_MORE, Described, named_parts
from journeylib.core.errors import (
    ConfigError,
    JourneylibError,
    LogError,
    QualityError,
    RunError,
    SchemaError,
    did_you_mean,
    extra,
    nearest_file,
    printable,
    refuse_other,
    refuse_unknown,
)
from journeylib.core.estimate import LEVEL, AbstainReason, Estimate, Grade, rounded
from journeylib.core.packaged import read_packaged
from journeylib.core.process import give_back_memory, import_models, one_thread, seldom_collected
from journeylib.core.progress import PROGRESS, Say, working
from journeylib.core.resampling import (
    DRAWS,
    GROUPS,
    SEED,
    Floats,
    Resampled,
    Statistic,
    adjusted_p_values,
    group_weights,
    occupied,
    resample,
    wilson,
)
from journeylib.core.whole_numbers import (
    MICRO,
    US_PER_DAY,
    US_PER_HOUR,
    US_PER_SECOND,
    day_of,
    start_of,
)
from journeylib.core.yaml_reader import read_yaml
